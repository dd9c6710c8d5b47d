import type { JsonValue } from "../kernel/json.ts";
import { NodeFault } from "./fault.ts";

/** The largest image of a batch: 64 megapixels. */
export const maxFramePixels = 64 * 1024 * 1024;
/** The longest batch that a node may produce. */
export const maxFrames = 4096;
/** The most pixel data that one value may hold, so that a batch cannot exhaust the machine. */
export const maxValueBytes = 2 * 1024 ** 3;

export type Channels = 3 | 4;

/**
 * A batch of images of one size, 8 bits a channel, row by row, RGB or RGBA without premultiplied
 * alpha. Frames are never changed after construction, so batches share them freely.
 *
 * ComfyUI keeps floats from 0 to 1 until it saves; here every node rounds to the nearest level.
 */
export class ImageBatch {
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
  readonly frames: readonly Uint8Array[];

  constructor(width: number, height: number, channels: Channels, frames: readonly Uint8Array[]) {
    checkSize(width, height, frames.length, channels);
    for (const frame of frames) checkLength(frame, width * height * channels);
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.frames = frames;
  }
}

/** A batch of masks of one size, one byte a pixel; 255 is fully masked. */
export class MaskBatch {
  readonly width: number;
  readonly height: number;
  readonly frames: readonly Uint8Array[];

  constructor(width: number, height: number, frames: readonly Uint8Array[]) {
    checkSize(width, height, frames.length, 1);
    for (const frame of frames) checkLength(frame, width * height);
    this.width = width;
    this.height = height;
    this.frames = frames;
  }
}

/** Latent samples, batch × channels × height × width, each side an eighth of the image's. */
export class Latent {
  readonly shape: readonly [batch: number, channels: number, height: number, width: number];
  readonly samples: Float32Array;

  constructor(shape: Latent["shape"], samples: Float32Array) {
    const length = shape.reduce((product, side) => product * side, 1);
    if (samples.length !== length) throw new RangeError("A latent's samples must fill its shape");
    this.shape = shape;
    this.samples = samples;
  }
}

/** What travels along a link. */
export type NodeValue = ImageBatch | MaskBatch | Latent | JsonValue;

/**
 * Refuses a size before anything is allocated for it.
 * Errors: `NodeFault` ValueError.
 */
export function checkSize(
  width: number,
  height: number,
  frameCount: number,
  channels: number,
): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new NodeFault("ValueError", `An image cannot be ${width} × ${height} pixels.`);
  }
  if (width * height > maxFramePixels) {
    throw new NodeFault(
      "ValueError",
      `An image of ${width} × ${height} pixels is too large; the limit is 64 megapixels.`,
    );
  }
  if (frameCount > maxFrames) {
    throw new NodeFault(
      "ValueError",
      `A batch of ${frameCount} images is too long; the limit is ${maxFrames}.`,
    );
  }
  if (width * height * channels * frameCount > maxValueBytes) {
    throw new NodeFault(
      "ValueError",
      `A batch of ${frameCount} images of ${width} × ${height} pixels is too large; the limit is 2 GiB.`,
    );
  }
}

function checkLength(frame: Uint8Array, length: number): void {
  // A Buffer's `slice` shares its bytes, so a node that copies one would change it for all others.
  if (Buffer.isBuffer(frame)) throw new TypeError("Frames are plain bytes, not Buffers");
  if (frame.length !== length) throw new RangeError("A frame's bytes must fill its size");
}

/** A short description for error reports: "IMAGE 1×512×512×3". Never the pixels. */
export function describeValue(value: NodeValue | undefined): JsonValue {
  if (value === undefined) return null;
  if (value instanceof ImageBatch) {
    return `IMAGE ${value.frames.length}×${value.height}×${value.width}×${value.channels}`;
  }
  if (value instanceof MaskBatch) {
    return `MASK ${value.frames.length}×${value.height}×${value.width}`;
  }
  if (value instanceof Latent) return `LATENT ${value.shape.join("×")}`;
  return value;
}
