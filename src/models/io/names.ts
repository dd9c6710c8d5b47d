import { randomBytes } from "node:crypto";
import { readFile, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import type { StoreLayout } from "./layout.ts";

const recordSchema = z.object({
  /** `folder/filename`. */
  model: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/u),
  bytes: z.int().nonnegative(),
  from: z.string(),
  pinned: z.boolean(),
  /** Where the file has been placed for a ComfyUI. */
  links: z.array(z.string()),
});

export type NameRecord = Readonly<z.infer<typeof recordSchema>>;

/** A model of the store with the time when it was last needed. */
export interface StoredModel extends NameRecord {
  readonly lastUsedMs: number;
}

/** The record of a name; undefined where there is none or it cannot be read. */
export async function readName(layout: StoreLayout, key: string): Promise<NameRecord | undefined> {
  return parseRecord(await readFile(layout.name(key), "utf8").catch(() => undefined));
}

/** Appears whole or not at all; its time is that of the last use. */
export async function writeName(layout: StoreLayout, record: NameRecord): Promise<void> {
  const path = layout.name(record.model);
  const draft = `${path}.${randomBytes(6).toString("hex")}.draft`;
  const usedAt = await stat(path).catch(() => undefined);
  await writeFile(draft, JSON.stringify(record), { flag: "wx" });
  if (usedAt !== undefined) await utimes(draft, usedAt.atime, usedAt.mtime);
  await rename(draft, path);
}

export async function removeName(layout: StoreLayout, key: string): Promise<void> {
  await rm(layout.name(key), { force: true });
}

/** Somebody needs it now. */
export async function touchName(layout: StoreLayout, key: string): Promise<void> {
  const now = new Date();
  await utimes(layout.name(key), now, now).catch(() => undefined);
}

/** All names by key. */
export async function listNames(layout: StoreLayout): Promise<readonly StoredModel[]> {
  const files = (await readdir(layout.names)).filter((file) => file.endsWith(".json"));
  const found: StoredModel[] = [];
  for (const file of files) {
    const path = join(layout.names, file);
    const text = await readFile(path, "utf8").catch(() => undefined);
    const record = parseRecord(text);
    const facts = await stat(path).catch(() => undefined);
    if (record !== undefined && facts !== undefined) {
      found.push({ ...record, lastUsedMs: facts.mtimeMs });
    }
  }
  return found.sort((a, b) => a.model.localeCompare(b.model));
}

function parseRecord(text: string | undefined): NameRecord | undefined {
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    // A power cut in the middle of a write: the file is found by its hash, or fetched again.
    return undefined;
  }
}
