import { ByteReader, untilZero, utf8 } from "./byte-reader.ts";
import { maxParts, maxTextBytes, type TextTag } from "./text-tag.ts";

const ebmlHead = 0x1a45dfa3;
const simpleTag = 0x67c8;
const tagName = 0x45a3;
const tagString = 0x4487;
/** Segment, Tags, Tag and SimpleTag: what tags stand in. */
const containers: ReadonlySet<number> = new Set([0x18538067, 0x1254c367, 0x7373, simpleTag]);
const maxDepth = 8;

export function isMatroska(bytes: Uint8Array): boolean {
  return new ByteReader(bytes).u32(0) === ebmlHead;
}

interface Element {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** The tags of a WebM or Matroska file. Clusters are stepped over. */
export function readMatroskaTags(bytes: Uint8Array): readonly TextTag[] {
  const reader = new ByteReader(bytes);
  const tags: TextTag[] = [];
  const pending = [{ start: 0, end: reader.length, depth: 0 }];
  let budget = maxParts;
  for (let area = pending.pop(); area !== undefined && budget > 0; area = pending.pop()) {
    const elements = elementsIn(reader, area.start, area.end, budget);
    budget -= elements.length + 1;
    const name = textOf(reader, elements, tagName);
    const text = textOf(reader, elements, tagString);
    if (name !== undefined && text !== undefined) tags.push({ name, text });
    if (area.depth === maxDepth) continue;
    for (const { id, start, end } of elements) {
      if (containers.has(id)) pending.push({ start, end, depth: area.depth + 1 });
    }
  }
  return tags;
}

function textOf(
  reader: ByteReader,
  elements: readonly Element[],
  wanted: number,
): string | undefined {
  const found = elements.find(({ id }) => id === wanted);
  if (found === undefined || found.end - found.start > maxTextBytes) return undefined;
  return utf8(untilZero(reader.bytes.subarray(found.start, found.end)));
}

function elementsIn(
  reader: ByteReader,
  start: number,
  end: number,
  limit: number,
): readonly Element[] {
  const elements: Element[] = [];
  let at = start;
  while (at < end && elements.length < limit) {
    const id = readNumber(reader, at, false);
    const size = id === undefined ? undefined : readNumber(reader, at + id.length, true);
    if (id === undefined || size === undefined) break;
    const from = at + id.length + size.length;
    // All ones: as long as what it stands in, as in a stream whose length nobody knew.
    const to = size.value === Infinity ? end : from + size.value;
    if (to > end) break;
    elements.push({ id: id.value, start: from, end: to });
    at = to;
  }
  return elements;
}

/** A number whose first byte says how long it is; a size drops the bit that says so. */
function readNumber(
  reader: ByteReader,
  at: number,
  isSize: boolean,
): { readonly value: number; readonly length: number } | undefined {
  const first = reader.u8(at);
  if (first === undefined || first === 0) return undefined;
  const length = Math.clz32(first) - 23;
  const rest = reader.slice(at + 1, length - 1);
  if (rest === undefined || (!isSize && length > 4)) return undefined;
  const marker = 0x80 >> (length - 1);
  let value = isSize ? first & ~marker : first;
  let isOpen = isSize && value === marker - 1;
  for (const byte of rest) {
    value = value * 256 + byte;
    isOpen &&= byte === 0xff;
  }
  return { value: isOpen ? Infinity : value, length };
}
