import { readdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";

import { formatBytes } from "../../kernel/bytes.ts";
import { HearthError } from "../../kernel/errors.ts";
import { planEviction, type CachedFile } from "../evict.ts";
import { heldKeys } from "./holds.ts";
import type { StoreLayout } from "./layout.ts";
import { listNames, removeName, type StoredModel } from "./names.ts";

export interface RoomLimits {
  /** What all models may take; null: no limit but the disk's. */
  readonly maxBytes: number | null;
  /** What has to stay free on the disk. */
  readonly floorBytes: number;
}

/** A partial file that nobody has written to for this long is given up. */
const abandonedMs = 86_400_000;

/**
 * Evicts until `neededBytes` fit; to be called by one at a time. Errors: `disk_full` where that
 * cannot be, and then nothing is evicted.
 */
export async function makeRoom(
  layout: StoreLayout,
  limits: RoomLimits,
  neededBytes: number,
  keep: ReadonlySet<string> = new Set(),
): Promise<readonly string[]> {
  const names = await listNames(layout);
  const held = await heldKeys(layout);
  const files = filesOf(names, ({ model }) => held.has(model) || keep.has(model));
  const { bavail, bsize } = await statfs(layout.folder);
  const freeBytes = bavail * bsize;
  const plan = planEviction({ ...limits, files, neededBytes, freeBytes });
  if (plan.shortBytes > 0) {
    const message = `A model file of ${formatBytes(neededBytes)} does not fit: ${formatBytes(plan.shortBytes)} are lacking, and the rest is pinned or in use.`;
    throw new HearthError("disk_full", { message, details: { reason: "no_room", neededBytes } });
  }
  for (const sha256 of plan.evict) await evict(layout, names, sha256);
  return plan.evict;
}

/** Removes a file with all its names and wherever they were placed. */
export async function evict(
  layout: StoreLayout,
  names: readonly StoredModel[],
  sha256: string,
): Promise<void> {
  for (const name of names.filter((one) => one.sha256 === sha256)) {
    for (const path of name.links) await removeLink(layout, path, sha256);
    await removeName(layout, name.model);
  }
  await rm(layout.blob(sha256), { force: true });
}

/** Removes files that no name leads to, and partial files that were given up. Returns the bytes. */
export async function collectGarbage(layout: StoreLayout): Promise<number> {
  const named = new Set((await listNames(layout)).map(({ sha256 }) => sha256));
  let freedBytes = 0;
  for (const sha256 of await readdir(layout.blobs)) {
    if (!named.has(sha256)) freedBytes += await removeFile(layout.blob(sha256));
  }
  for (const file of await readdir(layout.partial)) {
    const path = join(layout.partial, file);
    const facts = await stat(path).catch(() => undefined);
    const isAbandoned = facts !== undefined && Date.now() - facts.mtimeMs > abandonedMs;
    if (isAbandoned) freedBytes += await removeFile(path);
  }
  return freedBytes;
}

/** Only if it still is this file: somebody may have put another one there. */
async function removeLink(layout: StoreLayout, path: string, sha256: string): Promise<void> {
  const [placed, blob] = await Promise.all(
    [path, layout.blob(sha256)].map((each) => stat(each, { bigint: true }).catch(() => undefined)),
  );
  const isOurs = placed !== undefined && blob !== undefined;
  if (isOurs && placed.ino === blob.ino && placed.dev === blob.dev) await rm(path, { force: true });
}

async function removeFile(path: string): Promise<number> {
  const facts = await stat(path).catch(() => undefined);
  await rm(path, { force: true });
  return (facts?.blocks ?? 0) * 512;
}

/** Files by hash: as used and as kept as the most used and kept of their names. */
function filesOf(
  names: readonly StoredModel[],
  isHeld: (name: StoredModel) => boolean,
): readonly CachedFile[] {
  const files = new Map<string, CachedFile>();
  for (const name of names) {
    const { sha256, bytes } = name;
    const known = files.get(sha256);
    const lastUsedMs = Math.max(known?.lastUsedMs ?? 0, name.lastUsedMs);
    const isKept = known?.isKept === true || name.pinned || isHeld(name);
    files.set(sha256, { sha256, bytes, lastUsedMs, isKept });
  }
  return [...files.values()];
}
