import { Transform, type TransformCallback } from "node:stream";

import { Blake3 } from "../kernel/blake3.ts";
import { formatBytes } from "../kernel/bytes.ts";
import { HearthError } from "../kernel/errors.ts";

/** Counts and hashes the bytes that pass and refuses more than allowed. Errors: `body_too_large`. */
export class Metered extends Transform {
  sizeBytes = 0;
  private readonly hasher = new Blake3();
  private readonly maxBytes: number;

  constructor(maxBytes: number) {
    super();
    this.maxBytes = maxBytes;
  }

  /** To be asked once, after the last byte. */
  hash(): string {
    return this.hasher.digest();
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.sizeBytes += chunk.length;
    if (this.sizeBytes > this.maxBytes) {
      const message = `The content is larger than ${formatBytes(this.maxBytes)}`;
      done(new HearthError("body_too_large", { message, details: { limitBytes: this.maxBytes } }));
      return;
    }
    this.hasher.update(chunk);
    done(null, chunk);
  }
}

/** Errors: `hash_mismatch` where other bytes came than were announced. */
export function requireHash(actual: string, expected: string | undefined): void {
  if (expected === undefined || expected === actual) return;
  throw new HearthError("hash_mismatch", { details: { expected, actual } });
}
