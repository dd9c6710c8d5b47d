/** Reads numbers and text out of bytes that nobody vouches for; beyond the end there is nothing. */
export class ByteReader {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(at: number): number | undefined {
    return this.bytes[at];
  }

  u16(at: number, isLittle = false): number | undefined {
    return this.has(at, 2) ? this.view.getUint16(at, isLittle) : undefined;
  }

  u32(at: number, isLittle = false): number | undefined {
    return this.has(at, 4) ? this.view.getUint32(at, isLittle) : undefined;
  }

  /** Undefined also for a number that no file length reaches. */
  u64(at: number, isLittle = false): number | undefined {
    if (!this.has(at, 8)) return undefined;
    const value = this.view.getBigUint64(at, isLittle);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
  }

  /** One character a byte, as file formats name their parts. */
  ascii(at: number, length: number): string {
    return latin1(this.bytes.subarray(at, at + length));
  }

  /** These bytes; undefined where some of them are missing. */
  slice(at: number, length: number): Uint8Array | undefined {
    return this.has(at, length) ? this.bytes.subarray(at, at + length) : undefined;
  }

  private has(at: number, length: number): boolean {
    return at >= 0 && length >= 0 && at + length <= this.bytes.length;
  }
}

const chunkBytes = 8192;

/** One character a byte; `TextDecoder` takes its "latin1" for another code page. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    text += String.fromCharCode(...bytes.subarray(at, at + chunkBytes));
  }
  return text;
}

export function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8").decode(bytes);
}

/** Up to the first zero byte, or all of it. */
export function untilZero(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}
