import { readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import type { StoreLayout } from "./layout.ts";

/** A hold that nobody renewed for this long belongs to an agent that is gone. */
const staleMs = 180_000;

const holdSchema = z.array(z.string());

/** Says which models an agent works with; nobody evicts those. To be repeated every 30 s. */
export async function hold(
  layout: StoreLayout,
  agentId: string,
  keys: readonly string[],
): Promise<void> {
  await writeFile(join(layout.holds, `${agentId}.json`), JSON.stringify(keys));
}

/** Models that some agent works with. */
export async function heldKeys(layout: StoreLayout): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (const file of await readdir(layout.holds)) {
    const path = join(layout.holds, file);
    const facts = await stat(path).catch(() => undefined);
    if (facts === undefined) continue;
    if (Date.now() - facts.mtimeMs > staleMs) {
      await rm(path, { force: true });
      continue;
    }
    for (const key of await readKeys(path)) held.add(key);
  }
  return held;
}

async function readKeys(path: string): Promise<readonly string[]> {
  try {
    return holdSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    // Being written at this moment; its writer is at work, and looks before it needs a file.
    return [];
  }
}
