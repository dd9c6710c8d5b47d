import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, realpath, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";

import type { Clock } from "../../kernel/clock.ts";
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
import { Metered } from "../metered.ts";
import { signGetPath, signPutPath } from "../signed-url.ts";
import { absent, storageError } from "./failures.ts";
import { requireInside } from "./inside.ts";
import { listKeys } from "./list.ts";
import { placeAside } from "./placer.ts";

export interface FileBlobsOptions {
  readonly folder: string;
  /** Of the gateway that serves the signed URLs; asked late, since a port may be chosen late. */
  readonly baseUrl: string | (() => string);
  readonly signingKey: Uint8Array;
  readonly clock: Clock;
}

/** Unfinished uploads. No key can name them, since keys have no tilde. */
const partFolder = "~parts";
/** Files up to here are read at once. */
const smallBytes = 64 * 1024;
/** Longer than any upload takes: what is older was left by a process that was killed. */
const abandonedMs = 24 * 3_600_000;

/** Blobs as files of a folder; temporary file, fsync, rename, fsync of the folder. */
export async function openFileBlobs(options: FileBlobsOptions): Promise<BlobStore> {
  await mkdir(join(options.folder, partFolder), { recursive: true });
  const folder = await realpath(options.folder);
  await removeOldParts(join(folder, partFolder), options.clock.now() - abandonedMs);
  return new FileBlobs({ ...options, folder });
}

class FileBlobs implements BlobStore {
  private readonly options: FileBlobsOptions;

  constructor(options: FileBlobsOptions) {
    this.options = options;
  }

  async put(key: string, bytes: Readable | Buffer, options: PutOptions): Promise<StoredBlob> {
    const target = this.pathOf(key);
    const { folder: root } = this.options;
    const part = join(root, partFolder, randomUUID());
    const metered = new Metered(options);
    try {
      if (Buffer.isBuffer(bytes)) {
        metered.take(bytes);
        await placeAside({ root, part, target, bytes });
      } else {
        await writePart(part, metered.pass(bytes));
        await placeAside({ root, part, target });
      }
      return metered.stored();
    } catch (thrown) {
      if (!Buffer.isBuffer(bytes)) bytes.destroy();
      await rm(part, { force: true });
      await this.prune(dirname(target));
      throw metered.causedBy(thrown) ? thrown : storageError(thrown);
    }
  }

  async get(key: string, range?: ByteRange): Promise<BlobBody | undefined> {
    const path = this.safePathOf(key);
    const file = await open(path, "r").catch(absent);
    if (file === undefined) return undefined;
    try {
      const found = await file.stat();
      if (found.isFile() && range === undefined && found.size <= smallBytes) {
        return await readWhole(file, found.size);
      }
      if (found.isFile()) {
        const stream = createReadStream("", { fd: file, ...range });
        return { sizeBytes: found.size, stream };
      }
      await file.close();
      return undefined;
    } catch (thrown) {
      await file.close();
      throw storageError(thrown);
    }
  }

  async head(key: string): Promise<BlobHead | undefined> {
    const found = await stat(this.safePathOf(key)).catch(absent);
    return found?.isFile() === true ? { sizeBytes: found.size } : undefined;
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      if ((await this.head(key)) === undefined) continue;
      const path = this.pathOf(key);
      await rm(path, { force: true });
      await this.prune(dirname(path));
    }
  }

  async list(prefix: string, limit: number, afterKey?: string): Promise<readonly string[]> {
    if (!isBlobPrefix(prefix)) throw new Error(`"${prefix}" is not a blob prefix`);
    requireInside(this.options.folder, join(this.options.folder, prefix));
    return listKeys(this.options.folder, prefix, limit, afterKey);
  }

  async signGet(key: string, options: SignGetOptions): Promise<string> {
    const { clock, signingKey } = this.options;
    return this.baseUrl() + signGetPath(requireBlobKey(key), options, clock.now(), signingKey);
  }

  async signPut(key: string, options: SignPutOptions): Promise<SignedPut> {
    const { clock, signingKey } = this.options;
    const path = signPutPath(requireBlobKey(key), options, clock.now(), signingKey);
    const headers = {
      "Content-Type": options.contentType,
      "Content-Length": String(options.sizeBytes),
    };
    return { url: this.baseUrl() + path, headers };
  }

  private baseUrl(): string {
    const { baseUrl } = this.options;
    return typeof baseUrl === "string" ? baseUrl : baseUrl();
  }

  private pathOf(key: string): string {
    return join(this.options.folder, ...requireBlobKey(key).split("/"));
  }

  private safePathOf(key: string): string {
    const path = this.pathOf(key);
    requireInside(this.options.folder, path);
    return path;
  }

  /** Removes folders that a deletion left empty; one that fills up meanwhile stays. */
  private async prune(folder: string): Promise<void> {
    for (let at = folder; at.length > this.options.folder.length; at = dirname(at)) {
      if ((await readdir(at).catch(absent))?.length !== 0) return;
      await rmdir(at).catch(() => undefined);
    }
  }
}

/** At once: of a small file, most of the time would go to the stream. */
async function readWhole(file: FileHandle, sizeBytes: number): Promise<BlobBody> {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  const { bytesRead } = await file.read(bytes, 0, sizeBytes, 0);
  await file.close();
  return { sizeBytes, stream: Readable.from([bytes.subarray(0, bytesRead)]) };
}

/** Through a handle rather than a stream: of a small file, half the time would go to the stream. */
async function writePart(part: string, bytes: AsyncIterable<Buffer>): Promise<void> {
  const file = await open(part, "wx");
  try {
    for await (const chunk of bytes) await file.writeFile(chunk);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function removeOldParts(folder: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const part = join(folder, name);
    const found = await stat(part).catch(absent);
    if (found !== undefined && found.mtimeMs < beforeMs) await rm(part, { force: true });
  }
}
