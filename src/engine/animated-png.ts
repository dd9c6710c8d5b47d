import { readChunks, writeChunks, type PngChunk } from "./png-chunks.ts";

/** Joins still PNGs of one size and colour type into an animation that repeats for ever. */
export function joinAnimation(frames: readonly Uint8Array[], frameMs: number): Buffer {
  let sequence = 0;
  const chunks: PngChunk[] = [];
  for (const [index, frame] of frames.entries()) {
    const parts = readChunks(frame);
    const header = parts.find(({ type }) => type === "IHDR");
    if (header === undefined) throw new RangeError("Not a PNG");
    if (index === 0) chunks.push(header, animationControl(frames.length));
    chunks.push(frameControl(sequence, header.data, frameMs));
    sequence++;
    for (const { type, data } of parts) {
      if (type !== "IDAT") continue;
      if (index === 0) {
        chunks.push({ type, data });
      } else {
        chunks.push({ type: "fdAT", data: numbered(sequence, data) });
        sequence++;
      }
    }
  }
  chunks.push({ type: "IEND", data: new Uint8Array() });
  return writeChunks(chunks);
}

function animationControl(frameCount: number): PngChunk {
  const data = Buffer.alloc(8);
  data.writeUInt32BE(frameCount, 0);
  return { type: "acTL", data };
}

function frameControl(sequence: number, header: Uint8Array, frameMs: number): PngChunk {
  const data = Buffer.alloc(26);
  data.writeUInt32BE(sequence, 0);
  // Width and height are the first eight bytes of the header.
  data.set(header.subarray(0, 8), 4);
  data.writeUInt16BE(Math.min(0xffff, Math.max(1, frameMs)), 20);
  data.writeUInt16BE(1000, 22);
  return { type: "fcTL", data };
}

function numbered(sequence: number, data: Uint8Array): Buffer {
  const result = Buffer.alloc(4 + data.length);
  result.writeUInt32BE(sequence, 0);
  result.set(data, 4);
  return result;
}
