import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Keys below `prefix` in order of their bytes, at most `limit`, after `afterKey`. */
export async function listKeys(
  folder: string,
  prefix: string,
  limit: number,
  afterKey = "",
): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const key of walk(folder, prefix)) {
    if (key <= afterKey) continue;
    found.push(key);
    if (found.length >= limit) break;
  }
  return found;
}

async function* walk(folder: string, prefix: string): AsyncGenerator<string> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch(() => []);
  // A folder sorts as its name with the slash that its keys have, so that the order is of keys.
  const sorted = entries
    .map((entry) => ({ name: entry.isDirectory() ? `${entry.name}/` : entry.name, entry }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  for (const { name, entry } of sorted) {
    if (entry.isDirectory()) yield* walk(folder, prefix + name);
    else if (entry.isFile()) yield prefix + name;
  }
}
