import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Of workers that have ended: their logs explain what went wrong. */
const keptCount = 5;

/** Removes the folders of ended instances but for the most recent ones. */
export async function keepRecentFolders(
  folder: string,
  living: ReadonlySet<string>,
): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const ended = entries.filter((entry) => entry.isDirectory() && !living.has(entry.name));
  if (ended.length <= keptCount) return;
  const dated = await Promise.all(
    ended.map(async ({ name }) => {
      const path = join(folder, name);
      return { path, changedAtMs: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  dated.sort((left, right) => right.changedAtMs - left.changedAtMs);
  for (const { path } of dated.slice(keptCount)) await rm(path, { recursive: true, force: true });
}
