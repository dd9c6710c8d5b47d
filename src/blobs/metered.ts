import type { Readable } from "node:stream";

import { Blake3 } from "../kernel/blake3.ts";
import { formatBytes } from "../kernel/bytes.ts";
import { HearthError } from "../kernel/errors.ts";
import type { PutOptions, StoredBlob } from "./blobs.ts";

type Limits = Pick<PutOptions, "maxBytes" | "expectedHash">;

/**
 * Counts and hashes the bytes that pass. It fails before the last byte's end is seen, so that a
 * store which finishes only at the end never keeps bytes that were refused.
 * Errors: `body_too_large`, `hash_mismatch`, and whatever the sender's stream fails with.
 */
export class Metered {
  private sizeBytes = 0;
  private hash = "";
  private failure: unknown;
  private readonly limits: Limits;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  async *pass(bytes: Readable): AsyncGenerator<Buffer, void, void> {
    try {
      const hasher = new Blake3();
      for await (const chunk of bytes) {
        const buffer = chunk as Buffer;
        this.count(buffer.length);
        hasher.update(buffer);
        yield buffer;
      }
      this.hash = hasher.digest();
      this.requireExpectedHash();
    } catch (thrown) {
      this.failure = thrown;
      throw thrown;
    }
  }

  /** Everything at once. */
  take(bytes: Buffer): void {
    try {
      this.count(bytes.length);
      this.hash = new Blake3().update(bytes).digest();
      this.requireExpectedHash();
    } catch (thrown) {
      this.failure = thrown;
      throw thrown;
    }
  }

  /** To be asked once every byte has passed. */
  stored(): StoredBlob {
    return { sizeBytes: this.sizeBytes, hash: this.hash };
  }

  /** Whether the bytes themselves or their sender were at fault, rather than the store. */
  causedBy(thrown: unknown): boolean {
    return this.failure !== undefined && this.failure === thrown;
  }

  private count(bytes: number): void {
    this.sizeBytes += bytes;
    const { maxBytes } = this.limits;
    if (this.sizeBytes <= maxBytes) return;
    const message = `The content is larger than ${formatBytes(maxBytes)}`;
    throw new HearthError("body_too_large", { message, details: { limitBytes: maxBytes } });
  }

  private requireExpectedHash(): void {
    const { expectedHash } = this.limits;
    if (expectedHash === undefined || expectedHash === this.hash) return;
    const details = { expected: expectedHash, actual: this.hash };
    throw new HearthError("hash_mismatch", { details });
  }
}
