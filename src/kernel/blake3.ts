import { Blake3Hasher, blake3 } from "@napi-rs/blake-hash";

const hashPattern = /^blake3:[0-9a-f]{64}$/u;

/** Hashes bytes as they pass; `digest` gives the spelling that the API uses, `blake3:<hex>`. */
export class Blake3 {
  private readonly hasher = new Blake3Hasher();

  update(bytes: Buffer): this {
    this.hasher.update(bytes);
    return this;
  }

  digest(): string {
    return `blake3:${this.hasher.digestBuffer().toString("hex")}`;
  }
}

/** Whether `text` is a hash as the API spells it. */
export function isBlake3(text: string): boolean {
  return hashPattern.test(text);
}

/** The hash of a short text in 64 hex digits, for ids made of content. */
export function blake3Hex(text: string): string {
  return blake3(text).toString("hex");
}
