import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

/** Where things are in the folder of a model store. */
export class StoreLayout {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Whole files, named by their SHA-256. */
  get blobs(): string {
    return join(this.folder, "blobs");
  }

  /** A record for each name, `folder/filename`, that leads to a file. */
  get names(): string {
    return join(this.folder, "names");
  }

  get partial(): string {
    return join(this.folder, "partial");
  }

  get locks(): string {
    return join(this.folder, "locks");
  }

  /** Who works with what. */
  get holds(): string {
    return join(this.folder, "holds");
  }

  blob(sha256: string): string {
    return join(this.blobs, sha256);
  }

  name(key: string): string {
    return join(this.names, `${shortHash(key)}.json`);
  }

  part(id: string): string {
    return join(this.partial, `${id}.part`);
  }

  journal(id: string): string {
    return join(this.partial, `${id}.journal`);
  }

  lock(name: string): string {
    return join(this.locks, `${name}.lock`);
  }

  async make(): Promise<void> {
    for (const folder of [this.blobs, this.names, this.partial, this.locks, this.holds]) {
      await mkdir(folder, { recursive: true });
    }
  }
}

/** A file name for any text. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 40);
}
