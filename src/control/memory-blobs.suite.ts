import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import type { BlobBody, BlobStore, StoredBlob } from "../blobs/blobs.ts";

/** Blobs in memory, for the loops of this folder; they neither sign nor hash. */
export class MemoryBlobs implements BlobStore {
  private readonly blobs = new Map<string, Buffer>();

  keys(): readonly string[] {
    return [...this.blobs.keys()].sort();
  }

  async put(key: string, bytes: Readable): Promise<StoredBlob> {
    const content = await buffer(bytes);
    this.blobs.set(key, content);
    return { sizeBytes: content.length, hash: `blake3:${"0".repeat(64)}` };
  }

  async get(key: string): Promise<BlobBody | undefined> {
    const content = this.blobs.get(key);
    return content && { sizeBytes: content.length, stream: Readable.from([content]) };
  }

  async head(key: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const content = this.blobs.get(key);
    return content && { sizeBytes: content.length };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.blobs.delete(key);
  }

  async list(prefix: string, limit: number, afterKey = ""): Promise<readonly string[]> {
    return this.keys()
      .filter((key) => key.startsWith(prefix) && key > afterKey)
      .slice(0, limit);
  }

  signGet(): Promise<string> {
    return Promise.reject(new Error("not signed here"));
  }

  signPut(): Promise<never> {
    return Promise.reject(new Error("not signed here"));
  }
}
