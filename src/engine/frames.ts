import { eachRow } from "./slices.ts";
import { type Channels, ImageBatch } from "./values.ts";

type Pause = () => Promise<void>;

/** The frame at `index`; a batch that is too short repeats its last. */
export function frameAt(frames: readonly Uint8Array[], index: number): Uint8Array {
  const frame = frames[Math.min(index, frames.length - 1)];
  if (frame === undefined) throw new RangeError("An empty batch has no frames");
  return frame;
}

/** Changes each frame with `change`; equal frames, as in a repeated image, are worked on once. */
export async function mapFrames(
  frames: readonly Uint8Array[],
  change: (frame: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array[]> {
  const done = new Map<Uint8Array, Uint8Array>();
  const results: Uint8Array[] = [];
  for (const frame of frames) {
    const result = done.get(frame) ?? (await change(frame));
    done.set(frame, result);
    results.push(result);
  }
  return results;
}

/** The batch with this many channels; new alpha is opaque, surplus alpha is dropped. */
export async function withChannels(
  image: ImageBatch,
  channels: Channels,
  pause: Pause,
): Promise<ImageBatch> {
  if (image.channels === channels) return image;
  const { width, height } = image;
  const frames = await mapFrames(image.frames, async (frame) => {
    const result = new Uint8Array(width * height * channels);
    await eachRow(width, height, pause, (row) => {
      for (let at = row * width; at < (row + 1) * width; at++) {
        const source = at * image.channels;
        const target = at * channels;
        result[target] = frame[source] ?? 0;
        result[target + 1] = frame[source + 1] ?? 0;
        result[target + 2] = frame[source + 2] ?? 0;
        if (channels === 4) result[target + 3] = 255;
      }
    });
    return result;
  });
  return new ImageBatch(width, height, channels, frames);
}

/** A frame with every byte replaced by `table[byte]`. */
export async function lookUp(
  frame: Uint8Array,
  table: Uint8Array,
  pause: Pause,
): Promise<Uint8Array> {
  const result = new Uint8Array(frame.length);
  const step = 1024;
  await eachRow(step, Math.ceil(frame.length / step), pause, (row) => {
    const end = Math.min(frame.length, (row + 1) * step);
    for (let at = row * step; at < end; at++) result[at] = table[frame[at] ?? 0] ?? 0;
  });
  return result;
}

/** A table for `lookUp`: what each level from 0 to 255 becomes. */
export function levelTable(change: (level: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, level) => change(level));
}

/** Frames of one colour, as RGB bytes. */
export function solidFrame(
  width: number,
  height: number,
  colour: readonly [number, number, number],
): Uint8Array {
  const pixel = Buffer.from(colour);
  return new Uint8Array(Buffer.alloc(width * height * 3, pixel));
}
