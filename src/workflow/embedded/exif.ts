import { ByteReader, latin1, untilZero, utf8 } from "./byte-reader.ts";
import type { TextTag } from "./text-tag.ts";

const asciiType = 2;
const undefinedType = 7;
const exifDirectory = 0x8769;
const userComment = 0x9286;
const maxEntries = 1000;
const maxDirectories = 8;
const entryBytes = 12;

/** The texts of an EXIF block, which may begin with `Exif\0\0`; named by their tag numbers. */
export function readExifTags(block: Uint8Array): readonly TextTag[] {
  const hasPrefix = latin1(block.subarray(0, 4)) === "Exif";
  const reader = new ByteReader(hasPrefix ? block.subarray(6) : block);
  const order = reader.ascii(0, 2);
  if (order !== "II" && order !== "MM") return [];
  const isLittle = order === "II";
  const tags: TextTag[] = [];
  const pending = [reader.u32(4, isLittle)];
  for (let count = 0; count < maxDirectories; count++) {
    const at = pending.pop();
    if (at === undefined) break;
    const entries = Math.min(reader.u16(at, isLittle) ?? 0, maxEntries);
    for (let entry = 0; entry < entries; entry++) {
      const place = at + 2 + entry * entryBytes;
      const tag = reader.u16(place, isLittle);
      if (tag === exifDirectory) pending.push(reader.u32(place + 8, isLittle));
      const text = tag === undefined ? undefined : textOf(reader, place, isLittle);
      if (text !== undefined) tags.push({ name: `exif:${tag}`, text });
    }
  }
  return tags;
}

function textOf(reader: ByteReader, place: number, isLittle: boolean): string | undefined {
  const type = reader.u16(place + 2, isLittle);
  const length = reader.u32(place + 4, isLittle) ?? 0;
  if (type !== asciiType && type !== undefinedType) return undefined;
  // Up to four bytes stand in the entry itself.
  const at = length <= 4 ? place + 8 : reader.u32(place + 8, isLittle);
  const bytes = at === undefined ? undefined : reader.slice(at, length);
  if (bytes === undefined) return undefined;
  if (type === asciiType) return utf8(untilZero(bytes));
  return reader.u16(place, isLittle) === userComment ? commentOf(bytes, isLittle) : undefined;
}

/** A user comment begins with eight bytes that name its character set. */
function commentOf(bytes: Uint8Array, isLittle: boolean): string {
  const charset = latin1(bytes.subarray(0, 8));
  const text = bytes.subarray(8);
  if (!charset.startsWith("UNICODE")) return utf8(untilZero(text));
  return new TextDecoder(isLittle ? "utf-16le" : "utf-16be").decode(text);
}
