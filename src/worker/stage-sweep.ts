import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** What is kept of one staged content. */
export interface StagedEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly usedAtMs: number;
}

export interface StageLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

const stageLimits: StageLimits = { maxBytes: 20 * 1024 ** 3, maxAgeMs: 7 * 86_400_000 };

/** The entries to remove: those unused for too long, then the longest unused while there is too much. */
export function planSweep(
  entries: readonly StagedEntry[],
  nowMs: number,
  { maxBytes, maxAgeMs }: StageLimits,
): readonly string[] {
  const newestFirst = entries.toSorted((a, b) => b.usedAtMs - a.usedAtMs);
  let keptBytes = 0;
  const removed: string[] = [];
  for (const { name, sizeBytes, usedAtMs } of newestFirst) {
    const fits = keptBytes + sizeBytes <= maxBytes;
    if (nowMs - usedAtMs > maxAgeMs || !fits) removed.push(name);
    else keptBytes += sizeBytes;
  }
  return removed;
}

/** Clears out inputs of earlier jobs; to be called while none runs. Best effort, never rejects. */
export async function sweepStaged(
  baseDirectory: string,
  nowMs: number,
  limits = stageLimits,
): Promise<void> {
  const folder = join(baseDirectory, "input", "hearth");
  try {
    const names = await readdir(folder);
    const entries: StagedEntry[] = [];
    for (const name of names) entries.push(await entryOf(folder, name));
    for (const name of planSweep(entries, nowMs, limits)) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  } catch {
    // No inputs yet, or files that are not ours to remove.
  }
}

async function entryOf(folder: string, name: string): Promise<StagedEntry> {
  let sizeBytes = 0;
  let usedAtMs = 0;
  for (const file of await readdir(join(folder, name))) {
    const { size, mtimeMs } = await stat(join(folder, name, file));
    sizeBytes += size;
    usedAtMs = Math.max(usedAtMs, mtimeMs);
  }
  return { name, sizeBytes, usedAtMs };
}
