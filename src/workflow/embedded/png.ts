import { ByteReader, latin1, untilZero, utf8 } from "./byte-reader.ts";
import { maxParts, maxTextBytes, type Inflate, type TextTag } from "./text-tag.ts";

const signature = "\u0089PNG\r\n\u001a\n";
/** Length and type before a chunk's data, checksum after it. */
const headBytes = 8;
const tailBytes = 4;
/** ComfyUI keeps what belongs to an animated picture in chunks of its own. */
const plainTypes: ReadonlySet<string> = new Set(["tEXt", "comf"]);

export function isPng(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 8)) === signature;
}

/** The texts of a PNG: `tEXt`, `zTXt`, `iTXt`. Checksums are not checked. */
export function readPngTags(bytes: Uint8Array, inflate: Inflate): readonly TextTag[] {
  const reader = new ByteReader(bytes);
  const tags: TextTag[] = [];
  let at = signature.length;
  for (let part = 0; part < maxParts; part++) {
    const length = reader.u32(at);
    const type = reader.ascii(at + 4, 4);
    const data = length === undefined ? undefined : reader.slice(at + headBytes, length);
    if (data === undefined || type === "IEND") break;
    const tag = readChunk(type, data, inflate);
    if (tag !== undefined) tags.push(tag);
    at += headBytes + data.length + tailBytes;
  }
  return tags;
}

function readChunk(type: string, data: Uint8Array, inflate: Inflate): TextTag | undefined {
  const keyword = untilZero(data);
  const rest = data.subarray(keyword.length + 1);
  const name = latin1(keyword);
  // Latin-1 by the standard; ComfyUI escapes everything else, and others write UTF-8.
  if (plainTypes.has(type)) return { name, text: utf8OrLatin1(rest) };
  if (type === "zTXt") return inflated(name, rest.subarray(1), inflate, latin1);
  if (type !== "iTXt") return undefined;
  const isCompressed = rest[0] === 1;
  const language = untilZero(rest.subarray(2));
  const translated = untilZero(rest.subarray(2 + language.length + 1));
  const text = rest.subarray(2 + language.length + 1 + translated.length + 1);
  return isCompressed ? inflated(name, text, inflate, utf8) : { name, text: utf8(text) };
}

function inflated(
  name: string,
  bytes: Uint8Array,
  inflate: Inflate,
  decode: (bytes: Uint8Array) => string,
): TextTag | undefined {
  const text = inflate(bytes, maxTextBytes);
  return text === undefined ? undefined : { name, text: decode(text) };
}

function utf8OrLatin1(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return latin1(bytes);
  }
}
