import { ByteReader, latin1 } from "./byte-reader.ts";
import { readExifTags } from "./exif.ts";
import { maxParts, type TextTag } from "./text-tag.ts";

export function isWebp(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 4)) === "RIFF" && latin1(bytes.subarray(8, 12)) === "WEBP";
}

/** The texts of a WebP's EXIF chunk. */
export function readWebpTags(bytes: Uint8Array): readonly TextTag[] {
  const reader = new ByteReader(bytes);
  let at = 12;
  for (let part = 0; part < maxParts; part++) {
    const length = reader.u32(at + 4, true);
    const data = length === undefined ? undefined : reader.slice(at + 8, length);
    if (data === undefined) return [];
    if (reader.ascii(at, 4) === "EXIF") return readExifTags(data);
    // Chunks begin at even places.
    at += 8 + data.length + (data.length % 2);
  }
  return [];
}

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

const startOfScan = 0xda;
const application1 = 0xe1;
const comment = 0xfe;

/** The texts of a JPEG's EXIF blocks and comments, all of which stand before the picture. */
export function readJpegTags(bytes: Uint8Array): readonly TextTag[] {
  const reader = new ByteReader(bytes);
  const tags: TextTag[] = [];
  let at = 2;
  for (let part = 0; part < maxParts; part++) {
    const marker = reader.u8(at) === 0xff ? reader.u8(at + 1) : undefined;
    const length = reader.u16(at + 2);
    if (marker === undefined || marker === startOfScan || length === undefined) break;
    const data = reader.slice(at + 4, length - 2);
    if (data === undefined) break;
    if (marker === application1) tags.push(...readExifTags(data));
    if (marker === comment) tags.push({ name: "comment", text: latin1(data) });
    at += 2 + length;
  }
  return tags;
}
