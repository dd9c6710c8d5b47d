import { isJsonObject, parseJson, type JsonValue } from "../kernel/json.ts";
import { err, ok, type Result } from "../kernel/result.ts";

export interface TensorInfo {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Of the whole file, as the header has it. */
  readonly fileBytes: number;
}

/** In bits: some types are smaller than a byte. */
const dtypeBits: ReadonlyMap<string, number> = new Map([
  ["BOOL", 8],
  ["F4", 4],
  ["F6_E2M3", 6],
  ["F6_E3M2", 6],
  ["U8", 8],
  ["I8", 8],
  ["F8_E5M2", 8],
  ["F8_E4M3", 8],
  ["F8_E8M0", 8],
  ["F8_E4M3FNUZ", 8],
  ["F8_E5M2FNUZ", 8],
  ["I16", 16],
  ["U16", 16],
  ["F16", 16],
  ["BF16", 16],
  ["I32", 32],
  ["U32", 32],
  ["F32", 32],
  ["C64", 64],
  ["F64", 64],
  ["I64", 64],
  ["U64", 64],
]);

export const lengthBytes = 8;
/** Real headers have some hundred kilobytes; the format's own limit is six times this. */
const maxHeaderBytes = 16 * 1024 * 1024;
const maxDimensions = 16;

/** How long the header is, from the first eight bytes of a file. The reason where it cannot be. */
export function parseHeaderLength(start: Uint8Array): Result<number, string> {
  if (start.length < lengthBytes) return err("the file is shorter than a header's length");
  const view = new DataView(start.buffer, start.byteOffset, lengthBytes);
  const length = view.getBigUint64(0, true);
  if (length > maxHeaderBytes) return err(`its header claims ${length} bytes`);
  if (length < 2) return err("its header is empty");
  return ok(Number(length));
}

/**
 * Reads the JSON of a safetensors header and holds it against itself: types, shapes, and that the
 * tensors fill the file without holes or overlaps. The reason where it does not.
 */
export function parseSafetensorsHeader(text: string): Result<SafetensorsHeader, string> {
  if (!text.startsWith("{")) return err("its header is not a JSON object");
  const parsed = parseJson(text.trimEnd(), { maxDepth: 4 });
  if (!parsed.ok) return err(`its header is not good JSON: ${parsed.error.message}`);
  if (!isJsonObject(parsed.value)) return err("its header is not a JSON object");
  const tensors = new Map<string, TensorInfo>();
  const ranges: (readonly [begin: number, end: number, name: string])[] = [];
  for (const [name, value] of Object.entries(parsed.value)) {
    if (name === "__metadata__") continue;
    const tensor = parseTensor(value);
    if (!tensor.ok) return err(`tensor ${name.slice(0, 100)}: ${tensor.error}`);
    const { begin, end, ...info } = tensor.value;
    tensors.set(name, info);
    ranges.push([begin, end, name]);
  }
  const metadata = parseMetadata(parsed.value["__metadata__"]);
  if (!metadata.ok) return metadata;
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let at = 0;
  for (const [begin, end, name] of ranges) {
    if (begin !== at) return err(`tensor ${name.slice(0, 100)} leaves a hole or overlaps another`);
    at = end;
  }
  const fileBytes = lengthBytes + new TextEncoder().encode(text).length + at;
  return ok({ tensors, metadata: metadata.value, fileBytes });
}

function parseTensor(
  value: JsonValue,
): Result<TensorInfo & { readonly begin: number; readonly end: number }, string> {
  if (!isJsonObject(value)) return err("is not described by an object");
  const { dtype, shape, data_offsets: offsets } = value;
  const bits = typeof dtype === "string" ? dtypeBits.get(dtype) : undefined;
  if (typeof dtype !== "string" || bits === undefined) return err("has no type that is known");
  if (!isCounts(shape) || shape.length > maxDimensions) return err("has no valid shape");
  if (!isCounts(offsets) || offsets.length !== 2) return err("has no valid offsets");
  const [begin = 0, end = 0] = offsets;
  const bytes = (shape.reduce((product, size) => product * size, 1) * bits) / 8;
  if (!Number.isSafeInteger(bytes)) return err("is larger than any file");
  if (end - begin !== bytes)
    return err(`takes ${end - begin} bytes where its shape needs ${bytes}`);
  return ok({ dtype, shape, bytes, begin, end });
}

function parseMetadata(value: JsonValue | undefined): Result<ReadonlyMap<string, string>, string> {
  if (value === undefined || value === null) return ok(new Map());
  if (!isJsonObject(value)) return err("its metadata is not an object");
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") return err("its metadata holds something other than text");
    metadata.set(key, text);
  }
  return ok(metadata);
}

function isCounts(value: JsonValue | undefined): value is readonly number[] {
  if (!Array.isArray(value)) return false;
  return (value as readonly JsonValue[]).every(
    (one) => typeof one === "number" && Number.isSafeInteger(one) && one >= 0,
  );
}
