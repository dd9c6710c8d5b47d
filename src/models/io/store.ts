import { open, rename, stat } from "node:fs/promises";

import type { Logger } from "../../observability/logger.ts";
import { modelKey, type ModelFile } from "../../workflow/model-ref.ts";
import { checkModelName } from "../format.ts";
import { parseSource, type Source } from "../source.ts";
import { download, type Downloaded } from "./download.ts";
import type { Egress } from "./egress.ts";
import { refused } from "./faults.ts";
import type { FetchPatience } from "./fetch-options.ts";
import { hashFile } from "./file-hasher.ts";
import { StoreLayout, shortHash } from "./layout.ts";
import { takeLock } from "./lock.ts";
import {
  listNames,
  readName,
  removeName,
  touchName,
  writeName,
  type NameRecord,
  type StoredModel,
} from "./names.ts";
import { factsOf, isSameFile, linkInto, placeOf } from "./place.ts";
import { collectGarbage, evict, makeRoom, type RoomLimits } from "./room.ts";

export interface ModelStoreOptions extends RoomLimits {
  readonly folder: string;
  readonly egress: Egress;
  readonly patience: FetchPatience;
  readonly logger: Logger;
  /** Base URLs of other machines' stores, asked first for a file whose hash is known. */
  readonly peers?: readonly string[];
}

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Names that must not be evicted to make room for this one. */
  readonly keep?: ReadonlySet<string>;
}

/**
 * Model files by content, under names that share them. Any number of processes may work on one
 * folder, also from several machines. Errors of all that fetches: `model_unavailable`,
 * `model_refused`, `source_forbidden`, `disk_full`.
 */
export class ModelStore {
  readonly layout: StoreLayout;
  private readonly options: ModelStoreOptions;

  private constructor(options: ModelStoreOptions) {
    this.options = options;
    this.layout = new StoreLayout(options.folder);
  }

  static async open(options: ModelStoreOptions): Promise<ModelStore> {
    const store = new ModelStore(options);
    await store.layout.make();
    return store;
  }

  list(): Promise<readonly StoredModel[]> {
    return listNames(this.layout);
  }

  /** The record of a model that is here whole, with the expected hash if there is one. */
  async find(file: ModelFile): Promise<NameRecord | undefined> {
    const key = modelKey(file);
    const record = await readName(this.layout, key);
    if (record !== undefined && (file.sha256 === null || file.sha256 === record.sha256)) {
      const facts = await stat(this.layout.blob(record.sha256)).catch(() => undefined);
      if (facts?.size === record.bytes) return record;
    }
    return file.sha256 === null ? undefined : this.adopt(key, file.sha256, record);
  }

  /** Brings a model into the store, unless it is there. */
  async fetch(file: ModelFile, options: FetchOptions): Promise<NameRecord> {
    const name = checkModelName(file);
    if (!name.ok) throw refused(modelKey(file).slice(0, 200), name.error);
    const sources = [...this.peersOf(file), ...file.sources].map(sourceOf);
    const id = file.sha256 ?? shortHash(modelKey(file));
    const found = await this.find(file);
    if (found !== undefined) return this.used(found);
    const report = (): void => void this.watchOther(id, options);
    const lock = await takeLock(this.layout.lock(id), options.signal, report);
    try {
      // Whoever had the lock may have fetched it.
      const other = await this.find(file);
      return await this.used(other ?? (await this.download(file, id, sources, options)));
    } finally {
      await lock.release();
    }
  }

  /** Makes a model appear in a ComfyUI's models folder. Errors: `model_refused`. */
  async place(record: NameRecord, file: ModelFile, modelsFolder: string): Promise<string> {
    const path = placeOf(modelsFolder, file);
    const blob = this.layout.blob(record.sha256);
    if (!record.links.includes(path)) {
      await this.assertFree(path, blob, record);
      await this.change(record.model, (now) => ({ ...now, links: [...now.links, path] }));
    }
    await linkInto(blob, path);
    return path;
  }

  /** False: there is no such model. */
  pin(key: string, pinned: boolean): Promise<boolean> {
    return this.change(key, (now) => ({ ...now, pinned }));
  }

  /** Whether a model's bytes still have its hash. One that has not is removed. */
  async verify(record: NameRecord): Promise<"good" | "damaged"> {
    const path = this.layout.blob(record.sha256);
    const facts = await stat(path).catch(() => undefined);
    const isWhole = facts?.size === record.bytes;
    if (isWhole && (await hashFile(path, record.bytes)) === record.sha256) return "good";
    await this.alone(async () => evict(this.layout, await this.list(), record.sha256));
    return "damaged";
  }

  /** False: there is no such model. The file stays while another name has it. */
  async remove(key: string): Promise<boolean> {
    return this.alone(async () => {
      const names = await this.list();
      const own = names.find(({ model }) => model === key);
      if (own === undefined) return false;
      const others = names.filter(({ model, sha256 }) => model !== key && sha256 === own.sha256);
      if (others.length === 0) await evict(this.layout, names, own.sha256);
      else await removeName(this.layout, key);
      return true;
    });
  }

  /** Removes what no name leads to, and evicts down to the limits. Returns the bytes freed. */
  async collect(): Promise<number> {
    return this.alone(async () => {
      const before = new Map((await this.list()).map(({ sha256, bytes }) => [sha256, bytes]));
      const evicted = await makeRoom(this.layout, this.options, 0);
      const freedBytes = evicted.reduce((sum, sha256) => sum + (before.get(sha256) ?? 0), 0);
      return freedBytes + (await collectGarbage(this.layout));
    });
  }

  private async download(
    file: ModelFile,
    id: string,
    sources: readonly Source[],
    { signal, onProgress = () => undefined, keep }: FetchOptions,
  ): Promise<NameRecord> {
    const { egress, patience, logger } = this.options;
    const { sha256, bytes } = file;
    const model = modelKey(file);
    const [path, journalPath] = [this.layout.part(id), this.layout.journal(id)];
    const onSize = async (totalBytes: number): Promise<void> => {
      const present = ((await stat(path).catch(() => undefined))?.blocks ?? 0) * 512;
      const neededBytes = Math.max(0, totalBytes - present);
      await this.alone(() => makeRoom(this.layout, this.options, neededBytes, keep));
    };
    const task = { sources, path, journalPath, sha256, bytes, egress, patience, signal };
    const startMs = performance.now();
    const done = await download({ ...task, onProgress, onSize });
    await rename(path, this.layout.blob(done.sha256));
    await syncFolder(this.layout.blobs);
    const ms = Math.round(performance.now() - startMs);
    logger.info({ model, ...done, ms }, "a model file has arrived");
    return this.record(model, done);
  }

  private peersOf({ sha256 }: ModelFile): readonly string[] {
    if (sha256 === null) return [];
    return (this.options.peers ?? []).map((peer) => `${peer.replace(/\/+$/u, "")}/${sha256}`);
  }

  private async record(
    model: string,
    { sha256, bytes, from }: Pick<Downloaded, "sha256" | "bytes" | "from">,
  ): Promise<NameRecord> {
    return this.alone(async () => {
      const before = await readName(this.layout, model);
      const links = before?.sha256 === sha256 ? before.links : [];
      const record = { model, sha256, bytes, from, pinned: before?.pinned ?? false, links };
      await writeName(this.layout, record);
      return record;
    });
  }

  /** The file may be here under another name. */
  private async adopt(
    model: string,
    sha256: string,
    own: NameRecord | undefined,
  ): Promise<NameRecord | undefined> {
    const facts = await stat(this.layout.blob(sha256)).catch(() => undefined);
    if (facts === undefined) return undefined;
    const names = await this.list();
    const from = names.find((one) => one.sha256 === sha256)?.from ?? own?.from ?? "";
    return this.record(model, { sha256, bytes: facts.size, from });
  }

  private async used(record: NameRecord): Promise<NameRecord> {
    await touchName(this.layout, record.model);
    return record;
  }

  /** Whatever is at the place already must be this file, or one with the same bytes. */
  private async assertFree(path: string, blob: string, record: NameRecord): Promise<void> {
    const there = await factsOf(path);
    if (there === undefined || (await isSameFile(path, blob))) return;
    const isEqual =
      there.bytes === record.bytes && (await hashFile(path, there.bytes)) === record.sha256;
    if (!isEqual) throw refused(record.model, `another file is at ${path}; move it away first`);
  }

  private change(key: string, edit: (now: NameRecord) => NameRecord): Promise<boolean> {
    return this.alone(async () => {
      const now = await readName(this.layout, key);
      if (now === undefined) return false;
      await writeName(this.layout, edit(now));
      return true;
    });
  }

  /** Names and files are changed by one process at a time; all of it is quick. */
  private async alone<T>(task: () => Promise<T>): Promise<T> {
    const lock = await takeLock(this.layout.lock("names"), new AbortController().signal);
    try {
      return await task();
    } finally {
      await lock.release();
    }
  }

  /** Another process fetches it; how far it is shows in what its file takes on the disk. */
  private async watchOther(id: string, { onProgress }: FetchOptions): Promise<void> {
    const facts = await stat(this.layout.part(id)).catch(() => undefined);
    if (facts !== undefined) onProgress?.(Math.min(facts.size, facts.blocks * 512), facts.size);
  }
}

function sourceOf(text: string): Source {
  const source = parseSource(text);
  if (source.ok) return source.value;
  throw refused(`The source "${text.split("?")[0]?.slice(0, 200) ?? ""}"`, source.error);
}

/** A rename is safe from a power cut only when the folder is. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync().catch(() => undefined);
  await handle.close();
}
