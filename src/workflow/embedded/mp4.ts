import { ByteReader, latin1, utf8 } from "./byte-reader.ts";
import { maxParts, maxTextBytes, type TextTag } from "./text-tag.ts";

/** Boxes that hold boxes, with the bytes that come before the first of them. */
const containers: ReadonlyMap<string, number> = new Map([
  ["moov", 0],
  ["udta", 0],
  ["trak", 0],
  ["ilst", 0],
]);
const maxDepth = 8;

export function isMp4(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(4, 8)) === "ftyp";
}

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** The tags of an MP4 or MOV: those with keys of their own, and the fixed ones such as `©cmt`. */
export function readMp4Tags(bytes: Uint8Array): readonly TextTag[] {
  const reader = new ByteReader(bytes);
  const tags: TextTag[] = [];
  const pending = [{ start: 0, end: reader.length, depth: 0 }];
  let budget = maxParts;
  for (let area = pending.pop(); area !== undefined && budget > 0; area = pending.pop()) {
    for (const box of boxesIn(reader, area.start, area.end, budget)) {
      budget--;
      const head = containers.get(box.type);
      if (box.type === "meta") tags.push(...readMeta(reader, box));
      else if (head !== undefined && area.depth < maxDepth) {
        pending.push({ start: box.start + head, end: box.end, depth: area.depth + 1 });
      }
    }
  }
  return tags;
}

function boxesIn(reader: ByteReader, start: number, end: number, limit: number): readonly Box[] {
  const boxes: Box[] = [];
  let at = start;
  while (at + 8 <= end && boxes.length < limit) {
    const short = reader.u32(at);
    const head = short === 1 ? 16 : 8;
    const size = short === 0 ? end - at : short === 1 ? reader.u64(at + 8) : short;
    if (size === undefined || size < head || at + size > end) break;
    boxes.push({ type: reader.ascii(at + 4, 4), start: at + head, end: at + size });
    at += size;
  }
  return boxes;
}

/** A `meta` box: a list of keys and, by their numbers, values. QuickTime leaves out four bytes. */
function readMeta(reader: ByteReader, box: Box): readonly TextTag[] {
  const isFull = reader.ascii(box.start + 4, 4) !== "hdlr";
  const parts = boxesIn(reader, box.start + (isFull ? 4 : 0), box.end, maxParts);
  const keys = parts.find(({ type }) => type === "keys");
  const values = parts.find(({ type }) => type === "ilst");
  if (values === undefined) return [];
  const names = keys === undefined ? [] : readKeys(reader, keys);
  return boxesIn(reader, values.start, values.end, maxParts).flatMap((value) => {
    const text = readValue(reader, value);
    const name = names[(reader.u32(value.start - 4) ?? 0) - 1] ?? value.type;
    return text === undefined ? [] : [{ name, text }];
  });
}

function readKeys(reader: ByteReader, box: Box): readonly string[] {
  const names: string[] = [];
  const count = Math.min(reader.u32(box.start + 4) ?? 0, maxParts);
  let at = box.start + 8;
  for (let key = 0; key < count; key++) {
    const size = reader.u32(at);
    if (size === undefined || size < 8 || at + size > box.end) break;
    names.push(utf8(reader.bytes.subarray(at + 8, at + size)));
    at += size;
  }
  return names;
}

/** The text of a value's `data` box, after its type and language. */
function readValue(reader: ByteReader, box: Box): string | undefined {
  const data = boxesIn(reader, box.start, box.end, 1)[0];
  if (data?.type !== "data" || data.end - data.start > maxTextBytes) return undefined;
  return utf8(reader.bytes.subarray(data.start + 8, data.end));
}
