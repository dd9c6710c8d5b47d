import { refused } from "../../models/io/faults.ts";
import { hashFile } from "../../models/io/file-hasher.ts";
import { factsOf, placeOf } from "../../models/io/place.ts";
import type { FetchOptions, ModelStore } from "../../models/io/store.ts";
import { modelKey, type ModelFile } from "../../workflow/model-ref.ts";

export interface Delivered {
  readonly path: string;
  readonly bytes: number;
  readonly pinned: boolean;
}

/** Hashes of files that were there before, by path, size and time. */
const known = new Map<string, string>();
const maxKnown = 1_000;

/**
 * Makes a model available to a ComfyUI: from the store, from its sources, or as it was there
 * before. Errors as `ModelStore.fetch`.
 */
export async function deliver(
  store: ModelStore,
  modelsFolder: string,
  file: ModelFile,
  options: FetchOptions,
): Promise<Delivered> {
  const present = (await store.find(file)) === undefined && (await presentFile(file, modelsFolder));
  if (present) return present;
  const record = await store.fetch(file, options);
  const path = await store.place(record, file, modelsFolder);
  return { path, bytes: record.bytes, pinned: record.pinned };
}

/** A file that the owner of this ComfyUI put there. It is used, and never touched. */
async function presentFile(file: ModelFile, modelsFolder: string): Promise<Delivered | undefined> {
  const path = placeOf(modelsFolder, file);
  const facts = await factsOf(path);
  if (facts === undefined) return undefined;
  const isSized = file.bytes === null || file.bytes === facts.bytes;
  if (!isSized || !(await hasHash(path, facts, file.sha256))) {
    throw refused(modelKey(file), `another file is at ${path}; move it away first`);
  }
  return { path, bytes: facts.bytes, pinned: true };
}

async function hasHash(
  path: string,
  { bytes, version }: { readonly bytes: number; readonly version: string },
  sha256: string | null,
): Promise<boolean> {
  if (sha256 === null) return true;
  const id = `${path} ${version}`;
  const hash = known.get(id) ?? (await hashFile(path, bytes));
  known.set(id, hash);
  const [oldest] = known.keys();
  if (known.size > maxKnown && oldest !== undefined) known.delete(oldest);
  return hash === sha256;
}
