import { access, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";

import { errorMessage } from "../../kernel/errors.ts";
import { mergeDrafts, type ReleaseDraft } from "../../models/release-draft.ts";
import { lockGaps } from "../../models/release-lock.ts";
import { parseManifest } from "../../models/release-manifest.ts";
import { manifestOf } from "../../models/resolve-lock.ts";
import { draftOfRequirements } from "../../models/workflow-draft.ts";
import { requirementsOf } from "../../workflow/requirements.ts";
import type { CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { readImport } from "../release/imports.ts";
import { readInstallation } from "../release/installation.ts";
import { writeLock } from "../release/make-lock.ts";
import { lockName, manifestName, printManifest } from "../release/manifest-file.ts";
import { readCatalogue } from "../workflow/catalogue.ts";
import { readPackIndex } from "../workflow/pack-index-file.ts";
import { readingOf } from "../workflow/reading.ts";
import { readSource } from "../workflow/source.ts";

export interface InitFlags {
  readonly name: string | undefined;
  readonly folder: string;
  readonly force: boolean;
  readonly catalogue: string | undefined;
  readonly packIndex: string | undefined;
  readonly comfyuiDir: string | undefined;
}

/** `hearth init`: from workflows and other tools' descriptions to `hearth.yaml` and `hearth.lock`. */
export async function initRelease(
  context: CommandContext,
  files: readonly string[],
  flags: InitFlags,
): Promise<void> {
  const { io, output } = context;
  const folder = resolve(io.folder, flags.folder);
  if (!flags.force) await refuseExisting(folder);
  const catalogue = flags.catalogue === undefined ? null : await readCatalogue(flags.catalogue, io);
  const packIndex = await readPackIndex(flags.packIndex, io);
  const drafts: ReleaseDraft[] = [];
  const workflows: string[] = [];
  for (const file of files) {
    const imported = await readImport(file, io);
    if (imported !== undefined) drafts.push(imported);
    else {
      const reading = readingOf(await readSource(file, io), catalogue?.catalogue ?? null);
      const needs = requirementsOf(reading.workflow, catalogue?.catalogue ?? null, {
        files: reading.files,
        namedPacks: reading.packs,
        ...(packIndex !== undefined && { packIndex }),
      });
      drafts.push(draftOfRequirements(needs));
      workflows.push(relative(folder, resolve(io.folder, file)).replaceAll("\\", "/"));
    }
  }
  const draft = mergeDrafts(drafts);
  const installation =
    flags.comfyuiDir === undefined
      ? []
      : [await readInstallation(resolve(io.folder, flags.comfyuiDir), draft.models, io)];
  const name = flags.name ?? nameOf(files[0] ?? folder);
  const asked = { ...draft, comfyuiVersion: mergeDrafts([draft, ...installation]).comfyuiVersion };
  const manifest = parseManifest(manifestOf(name, asked, workflows));
  if (!manifest.ok)
    throw new CliFailure("usage", `hearth.yaml would not be valid: ${manifest.error}.`);
  await writeFile(join(folder, manifestName), printManifest(manifest.value)).catch(
    (cause: unknown) => {
      throw new CliFailure("usage", `${folder} cannot be written: ${errorMessage(cause)}.`);
    },
  );
  const known = [...drafts, ...installation];
  const inputs = { folder, manifest: manifest.value, known, catalogue, previous: null };
  const lock = await writeLock(inputs, io);
  const notes = [...new Set([...draft.notes, ...lockGaps(lock)])];
  for (const note of notes) output.note(`open: ${note}`);
  const written = [manifestName, lockName].map((file) => join(folder, file));
  output.result(
    { files: written, manifest: manifest.value, lock, open: notes },
    written.join("\n"),
  );
}

async function refuseExisting(folder: string): Promise<void> {
  const path = join(folder, manifestName);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw new CliFailure("file_exists", `${path} is there already.`);
}

/** A deployment's name made of a file's name. */
function nameOf(file: string): string {
  const base = basename(file).replace(/\..*$/u, "").toLowerCase();
  const name = base
    .replaceAll(/[^a-z0-9]+/gu, "-")
    .replaceAll(/^-+|-+$/gu, "")
    .slice(0, 63);
  return name === "" ? "release" : name.replace(/-+$/u, "");
}
