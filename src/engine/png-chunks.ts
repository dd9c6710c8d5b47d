import { crc32 } from "node:zlib";

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export interface PngChunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** The chunks of a PNG that we wrote ourselves. Errors: `RangeError` for anything else. */
export function readChunks(png: Uint8Array): PngChunk[] {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (!bytes.subarray(0, 8).equals(signature)) throw new RangeError("Not a PNG");
  const chunks: PngChunk[] = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

export function writeChunks(chunks: readonly PngChunk[]): Buffer {
  return Buffer.concat([signature, ...chunks.map(encodeChunk)]);
}

function encodeChunk({ type, data }: PngChunk): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

/** Text entries by keyword, in the order given. */
export type PngText = readonly (readonly [keyword: string, text: string])[];

/** The PNG with `tEXt` chunks right after its header; readers look for them before the pixels. */
export function withText(png: Uint8Array, entries: PngText): Buffer {
  const [header, ...rest] = readChunks(png);
  if (header === undefined) throw new RangeError("Not a PNG");
  return writeChunks([header, ...entries.map(textChunk), ...rest]);
}

function textChunk([keyword, text]: readonly [string, string]): PngChunk {
  // Keywords are 1 to 79 printable Latin-1 characters.
  const safeKeyword =
    keyword.replaceAll(/[^\u0020-\u007e\u00a1-\u00ff]/gu, "_").slice(0, 79) || "_";
  return { type: "tEXt", data: Buffer.from(`${safeKeyword}\0${toAscii(text)}`, "latin1") };
}

/** JSON in ASCII, so that it survives Latin-1: other characters become `\uXXXX`. */
function toAscii(json: string): string {
  // By code units on purpose: JSON spells characters beyond the first plane as two escapes.
  // oxlint-disable-next-line require-unicode-regexp
  return json.replaceAll(/[\u0080-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
