import { eachSlice } from "./slices.ts";
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
    await eachSlice(width * height, pause, (from, to) => {
      for (let at = from; at < to; at++) {
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
  await eachSlice(frame.length, pause, (from, to) => {
    for (let at = from; at < to; at++) result[at] = table[frame[at] ?? 0] ?? 0;
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

/** One channel of a frame as a plane of its own, each level changed by `table` if there is one. */
export async function takeChannel(
  frame: Uint8Array,
  channels: number,
  channel: number,
  pause: Pause,
  table?: Uint8Array,
): Promise<Uint8Array> {
  const result = new Uint8Array(frame.length / channels);
  await eachSlice(result.length, pause, (from, to) => {
    for (let at = from; at < to; at++) {
      const level = frame[at * channels + channel] ?? 0;
      result[at] = table === undefined ? level : (table[level] ?? 0);
    }
  });
  return result;
}

/** RGBA with each colour multiplied by its alpha. */
export function premultiply(frame: Uint8Array, pause: Pause): Promise<Uint8Array> {
  return mapColours(frame, pause, (level, alpha) => Math.round((level * alpha) / 255));
}

/** The inverse of `premultiply`, as far as rounding allows. */
export function unpremultiply(frame: Uint8Array, pause: Pause): Promise<Uint8Array> {
  return mapColours(frame, pause, (level, alpha) =>
    alpha === 0 ? level : Math.min(255, Math.trunc((level * 255) / alpha)),
  );
}

async function mapColours(
  frame: Uint8Array,
  pause: Pause,
  change: (level: number, alpha: number) => number,
): Promise<Uint8Array> {
  const result = new Uint8Array(frame.length);
  await eachSlice(frame.length / 4, pause, (from, to) => {
    for (let at = from * 4; at < to * 4; at += 4) {
      const alpha = frame[at + 3] ?? 0;
      for (let colour = at; colour < at + 3; colour++) {
        result[colour] = change(frame[colour] ?? 0, alpha);
      }
      result[at + 3] = alpha;
    }
  });
  return result;
}
