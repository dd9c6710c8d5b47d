import { z } from "zod";

import { err, ok, type Result } from "../kernel/result.ts";
import { modelKey } from "../workflow/model-ref.ts";
import * as part from "./release-parts.ts";

const lockedPackSchema = z.strictObject({
  /** An id of the ComfyUI registry; null for a pack known by its repository only. */
  id: part.packId.nullable(),
  /** A version of the registry. */
  version: z.string().min(1).max(100).nullable(),
  repository: part.repositoryUrl.nullable(),
  commit: part.commit.nullable(),
  /** Of the pack's files: see `docs/workflows.md`. */
  sha256: part.sha256.nullable(),
});

const lockedModelSchema = z.strictObject({
  folder: part.safeName,
  filename: part.safePath,
  sha256: part.sha256.nullable(),
  bytes: z.int().min(0).nullable(),
  /** Tried in order. */
  sources: z.array(part.modelSource).max(16),
});

const lockedWorkflowSchema = z.strictObject({
  file: part.safePath,
  /** The exact one: see `fingerprintOf`. */
  fingerprint: z.string().regex(/^[0-9a-f]{32}$/u),
  /** Model keys, `folder/filename`. */
  models: z.array(z.string().min(1)).max(2000),
});

/** The file `hearth.lock`: exactly what a release consists of. */
const lockSchema = z.strictObject({
  schema: z.literal("hearth.lock/1"),
  name: z.string().min(1).max(63),
  comfyui: z.strictObject({
    repository: part.repositoryUrl,
    /** As asked for: a tag, a branch or a commit. */
    version: part.gitRef.nullable(),
    commit: part.commit.nullable(),
  }),
  python: z.string().nullable(),
  packs: z.array(lockedPackSchema).max(512),
  models: z.array(lockedModelSchema).max(2000),
  pip: z.array(part.requirement).max(1000),
  /** What `/object_info` of this environment said, in a file beside the lock. */
  nodeCatalogue: z
    .strictObject({ file: part.safePath, blake3: part.sha256, classes: z.int().min(0) })
    .nullable(),
  workflows: z.array(lockedWorkflowSchema).max(200),
  deployment: z.strictObject({
    /** In API format; run by a new worker before it takes jobs. */
    warmup: z.record(z.string(), z.unknown()).nullable(),
    comfyuiArguments: part.comfyuiArguments,
  }),
});

export type ReleaseLock = z.infer<typeof lockSchema>;
export type LockedPack = z.infer<typeof lockedPackSchema>;
export type LockedModel = z.infer<typeof lockedModelSchema>;

/** Reads `hearth.lock` after its JSON has been parsed. The error names the key and the reason. */
export function parseLock(value: unknown): Result<ReleaseLock, string> {
  const parsed = lockSchema.safeParse(value);
  if (!parsed.success) return err(part.firstIssue(parsed.error));
  const twice = firstTwice(parsed.data.models.map(modelKey));
  return twice === undefined ? ok(parsed.data) : err(`models names ${twice} twice`);
}

/** A lock as its file holds it: one entry a line where it can be, in a fixed order. */
export function printLock(lock: ReleaseLock): string {
  const sorted: ReleaseLock = {
    schema: lock.schema,
    name: lock.name,
    comfyui: lock.comfyui,
    python: lock.python,
    packs: lock.packs.toSorted((left, right) => compare(packName(left), packName(right))),
    models: lock.models.toSorted((left, right) => compare(modelKey(left), modelKey(right))),
    pip: lock.pip.toSorted(compare),
    nodeCatalogue: lock.nodeCatalogue,
    workflows: lock.workflows.toSorted((left, right) => compare(left.file, right.file)),
    deployment: lock.deployment,
  };
  return `${JSON.stringify(sorted, null, 2)}\n`;
}

/** What a pack is called: its id, else its repository without the host. */
export function packName(pack: Pick<LockedPack, "id" | "repository">): string {
  return pack.id ?? pack.repository?.replace(/^https:\/\/[^/]+\//u, "") ?? "?";
}

/** What a lock leaves open, in words; a release that can be repeated leaves nothing open. */
export function lockGaps(lock: ReleaseLock): readonly string[] {
  const gaps: string[] = [];
  if (lock.comfyui.commit === null) gaps.push("comfyui: no commit");
  for (const pack of lock.packs) {
    const isPinned = pack.commit !== null || (pack.id !== null && pack.version !== null);
    if (!isPinned) gaps.push(`pack ${packName(pack)}: neither a version nor a commit`);
  }
  for (const model of lock.models) {
    if (model.sha256 === null) gaps.push(`model ${modelKey(model)}: no hash`);
    if (model.sources.length === 0) gaps.push(`model ${modelKey(model)}: no source`);
  }
  return gaps;
}

function firstTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/** By code units, so that the order is the same everywhere. */
function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
