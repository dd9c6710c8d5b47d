import { endianness } from "node:os";
import type { JsonObject } from "../kernel/json.ts";

/** One tensor of 32-bit floats. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Writes a safetensors file: header length, JSON header, then the tensors' little-endian bytes. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const header: Record<string, JsonObject> = { __metadata__: metadata };
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    const end = offset + values.byteLength;
    header[name] = { dtype: "F32", shape, data_offsets: [offset, end] };
    parts.push(littleEndian(values));
    offset = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  // The format wants the data to start on a multiple of eight bytes.
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...parts]);
}

function littleEndian(values: Float32Array): Buffer {
  if (endianness() === "LE") {
    return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  }
  const bytes = Buffer.alloc(values.byteLength);
  for (const [index, value] of values.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes;
}
