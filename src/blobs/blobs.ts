import type { Readable } from "node:stream";

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface BlobHead {
  readonly sizeBytes: number;
}

export interface BlobBody extends BlobHead {
  /**
   * Only the bytes of the range asked for; `sizeBytes` is always that of the whole blob. To be read
   * to its end or destroyed: an open file or connection is behind it.
   */
  readonly stream: Readable;
}

export interface PutOptions {
  readonly contentType: string;
  /** Refuses and leaves nothing behind once more bytes than this arrive. */
  readonly maxBytes: number;
  /** Refuses other bytes than these and leaves nothing behind. */
  readonly expectedHash?: string;
}

export interface StoredBlob {
  readonly sizeBytes: number;
  /** `blake3:` and 64 hexadecimal digits, computed while the bytes went by. */
  readonly hash: string;
}

export interface SignGetOptions {
  readonly expiresInMs: number;
  readonly contentType: string;
  /** Offered to whoever saves the file. */
  readonly filename: string;
  /** Only types that no browser runs may be shown in place; everything else is an attachment. */
  readonly disposition: "inline" | "attachment";
}

export interface SignPutOptions {
  readonly expiresInMs: number;
  readonly contentType: string;
  /** The upload is refused unless it has exactly this many bytes. */
  readonly sizeBytes: number;
}

export interface SignedPut {
  readonly url: string;
  /** To be sent with the PUT exactly as they are. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Bytes by key. Keys are `/`-separated segments of `[A-Za-z0-9._-]`, never empty and never dots
 * alone. One port over a folder and S3; `blobs.suite.ts` is its contract. Errors:
 * `body_too_large` and `hash_mismatch` from `put`; `service_unavailable` when the store cannot be reached.
 */
export interface BlobStore {
  /** Replaces what was there; readers see the old bytes or the new, never a mixture. */
  put(key: string, bytes: Readable | Buffer, options: PutOptions): Promise<StoredBlob>;
  /** Undefined: there is no such blob. A range must lie within the blob. */
  get(key: string, range?: ByteRange): Promise<BlobBody | undefined>;
  head(key: string): Promise<BlobHead | undefined>;
  /** Keys that are not there are no error. */
  delete(keys: readonly string[]): Promise<void>;
  /** Keys below a prefix that ends in `/`, in order, at most `limit`, after `afterKey`. */
  list(prefix: string, limit: number, afterKey?: string): Promise<readonly string[]>;
  signGet(key: string, options: SignGetOptions): Promise<string>;
  signPut(key: string, options: SignPutOptions): Promise<SignedPut>;
}
