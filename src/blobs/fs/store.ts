import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { Clock } from "../../kernel/clock.ts";
import { HearthError } from "../../kernel/errors.ts";
import type {
  BlobBody,
  BlobHead,
  BlobStore,
  ByteRange,
  PutOptions,
  SignedPut,
  SignGetOptions,
  SignPutOptions,
  StoredBlob,
} from "../blobs.ts";
import { isBlobPrefix, requireBlobKey } from "../key.ts";
import { Metered, requireHash } from "../metered.ts";
import { signGetPath, signPutPath } from "../signed-url.ts";
import { listKeys } from "./list.ts";

export interface FileBlobsOptions {
  readonly folder: string;
  /** Of the gateway that serves the signed URLs; asked late, since a port may be chosen late. */
  readonly baseUrl: string | (() => string);
  readonly signingKey: Uint8Array;
  readonly clock: Clock;
}

const partFolder = ".parts";
/** Longer than any upload takes: what is older was left by a process that was killed. */
const abandonedMs = 24 * 3_600_000;

/** Blobs as files of a folder; temporary file, fsync, rename, fsync of the folder. */
export async function openFileBlobs(options: FileBlobsOptions): Promise<BlobStore> {
  const folder = resolve(options.folder);
  await mkdir(join(folder, partFolder), { recursive: true });
  await removeOldParts(join(folder, partFolder), options.clock.now() - abandonedMs);
  return new FileBlobs({ ...options, folder });
}

class FileBlobs implements BlobStore {
  private readonly options: FileBlobsOptions;

  constructor(options: FileBlobsOptions) {
    this.options = options;
  }

  async put(key: string, bytes: Readable, options: PutOptions): Promise<StoredBlob> {
    const target = this.pathOf(key);
    const part = join(this.options.folder, partFolder, randomUUID());
    const metered = new Metered(options.maxBytes);
    try {
      await pipeline(bytes, metered, createWriteStream(part, { flags: "wx", flush: true }));
      const hash = metered.hash();
      requireHash(hash, options.expectedHash);
      await moveInto(part, target);
      return { sizeBytes: metered.sizeBytes, hash };
    } catch (thrown) {
      await rm(part, { force: true });
      throw storageError(thrown);
    }
  }

  async get(key: string, range?: ByteRange): Promise<BlobBody | undefined> {
    const file = await open(this.pathOf(key), "r").catch(absent);
    if (file === undefined) return undefined;
    try {
      const { size } = await file.stat();
      const stream = createReadStream("", { fd: file, ...range });
      return { sizeBytes: size, stream };
    } catch (thrown) {
      await file.close();
      throw storageError(thrown);
    }
  }

  async head(key: string): Promise<BlobHead | undefined> {
    const found = await stat(this.pathOf(key)).catch(absent);
    return found?.isFile() === true ? { sizeBytes: found.size } : undefined;
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const path = this.pathOf(key);
      await rm(path, { force: true });
      await this.prune(dirname(path));
    }
  }

  list(prefix: string, limit: number, afterKey?: string): Promise<readonly string[]> {
    if (!isBlobPrefix(prefix)) throw new Error(`"${prefix}" is not a blob prefix`);
    return listKeys(this.options.folder, prefix, limit, afterKey);
  }

  signGet(key: string, options: SignGetOptions): Promise<string> {
    const { clock, signingKey } = this.options;
    const path = signGetPath(requireBlobKey(key), options, clock.now(), signingKey);
    return Promise.resolve(this.baseUrl() + path);
  }

  signPut(key: string, options: SignPutOptions): Promise<SignedPut> {
    const { clock, signingKey } = this.options;
    const path = signPutPath(requireBlobKey(key), options, clock.now(), signingKey);
    const headers = {
      "Content-Type": options.contentType,
      "Content-Length": String(options.sizeBytes),
    };
    return Promise.resolve({ url: this.baseUrl() + path, headers });
  }

  private baseUrl(): string {
    const { baseUrl } = this.options;
    return typeof baseUrl === "string" ? baseUrl : baseUrl();
  }

  private pathOf(key: string): string {
    return join(this.options.folder, ...requireBlobKey(key).split("/"));
  }

  /** Removes folders that a deletion left empty; one that fills up meanwhile stays. */
  private async prune(folder: string): Promise<void> {
    for (let at = folder; at.length > this.options.folder.length; at = dirname(at)) {
      if ((await readdir(at).catch(absent))?.length !== 0) return;
      await rmdir(at).catch(() => undefined);
    }
  }
}

async function removeOldParts(folder: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const part = join(folder, name);
    const found = await stat(part).catch(absent);
    if (found !== undefined && found.mtimeMs < beforeMs) await rm(part, { force: true });
  }
}

async function moveInto(part: string, target: string): Promise<void> {
  const folder = dirname(target);
  // A deletion beside us may prune the folder between making it and moving into it.
  for (let tries = 0; ; tries++) {
    await mkdir(folder, { recursive: true });
    try {
      await rename(part, target);
      break;
    } catch (thrown) {
      if (errorCodeOf(thrown) !== "ENOENT" || tries >= 5) throw thrown;
    }
  }
  const handle = await open(folder, "r").catch(absent);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Undefined where nothing is there; other failures go on as ours. */
function absent(thrown: unknown): undefined {
  const code = errorCodeOf(thrown);
  if (code !== "ENOENT" && code !== "ENOTDIR") throw storageError(thrown);
}

function storageError(thrown: unknown): unknown {
  const code = errorCodeOf(thrown);
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EROFS" || code === "EIO") {
    const message = `The blob folder cannot be used (${code})`;
    return new HearthError("service_unavailable", {
      message,
      cause: thrown,
      retryAfterSeconds: 30,
    });
  }
  return thrown;
}

function errorCodeOf(thrown: unknown): string | undefined {
  return (thrown as NodeJS.ErrnoException | undefined)?.code;
}
