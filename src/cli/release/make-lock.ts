import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { blake3Hex } from "../../kernel/blake3.ts";
import { parseLock, printLock, type ReleaseLock } from "../../models/release-lock.ts";
import type { ReleaseDraft } from "../../models/release-draft.ts";
import type { ReleaseManifest } from "../../models/release-manifest.ts";
import { resolveLock } from "../../models/resolve-lock.ts";
import { fingerprintOf } from "../../workflow/fingerprint.ts";
import { modelKey } from "../../workflow/model-ref.ts";
import { requirementsOf } from "../../workflow/requirements.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import type { CatalogueSource } from "../workflow/catalogue.ts";
import { readingOf, type WorkflowReading } from "../workflow/reading.ts";
import { readSource } from "../workflow/source.ts";
import { lockName } from "./manifest-file.ts";

const catalogueName = "hearth.object-info.json";

export interface LockInputs {
  /** Where `hearth.yaml` stands, and its files from there. */
  readonly folder: string;
  readonly manifest: ReleaseManifest;
  readonly known: readonly ReleaseDraft[];
  readonly catalogue: CatalogueSource | null;
  /** Keeps the catalogue of an earlier lock where no other is named. */
  readonly previous: ReleaseLock | null;
}

/** Resolves a manifest and writes `hearth.lock` beside it, and the node catalogue. Errors: `usage`. */
export async function writeLock(inputs: LockInputs, io: Io): Promise<ReleaseLock> {
  const { folder, manifest, known, catalogue, previous } = inputs;
  const { warmup } = manifest.deployment;
  const read = async (file: string): Promise<WorkflowReading> =>
    readingOf(await readSource(join(folder, file), io), catalogue?.catalogue ?? null);
  const workflows: ReleaseLock["workflows"] = [];
  for (const file of manifest.workflows) {
    const { workflow } = await read(file);
    const { models } = requirementsOf(workflow, catalogue?.catalogue ?? null);
    workflows.push({
      file,
      fingerprint: fingerprintOf(workflow, "exact"),
      models: [...new Set(models.map(modelKey))],
    });
  }
  const catalogueText = catalogue === null ? null : `${JSON.stringify(catalogue.body)}\n`;
  const lock = resolveLock(manifest, {
    known,
    workflows,
    warmup: warmup === undefined ? null : (await read(warmup)).api,
    nodeCatalogue:
      catalogueText === null
        ? (previous?.nodeCatalogue ?? null)
        : {
            file: catalogueName,
            blake3: blake3Hex(catalogueText),
            classes: catalogue?.catalogue.size ?? 0,
          },
  });
  const checked = parseLock(JSON.parse(JSON.stringify(lock)) as unknown);
  if (!checked.ok) throw new CliFailure("usage", `The lock would not be valid: ${checked.error}.`);
  if (catalogueText !== null) await writeFile(join(folder, catalogueName), catalogueText);
  await writeFile(join(folder, lockName), printLock(lock));
  return lock;
}
