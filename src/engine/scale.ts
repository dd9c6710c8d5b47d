import { mapFrames, premultiply, unpremultiply } from "./frames.ts";
import { resample } from "./resample.ts";
import { computeScaleTaps, type ScaleMethod } from "./taps.ts";
import { checkSize, ImageBatch, MaskBatch } from "./values.ts";

type Pause = () => Promise<void>;

interface Raster {
  readonly width: number;
  readonly height: number;
}

export interface ScaleTo extends Raster {
  readonly method: ScaleMethod;
  /** "center" cuts the picture to the target's proportions first; otherwise it is stretched. */
  readonly crop: "disabled" | "center";
}

/** Scales a batch to exactly this size. */
export async function scaleImage(
  image: ImageBatch,
  to: ScaleTo,
  pause: Pause,
): Promise<ImageBatch> {
  checkSize(to.width, to.height, image.frames.length, image.channels);
  if (image.width === to.width && image.height === to.height) return image;
  const frames = await scaleFrames(image, image.frames, image.channels, to, pause);
  return new ImageBatch(to.width, to.height, image.channels, frames);
}

export async function scaleMask(mask: MaskBatch, to: ScaleTo, pause: Pause): Promise<MaskBatch> {
  checkSize(to.width, to.height, mask.frames.length, 1);
  if (mask.width === to.width && mask.height === to.height) return mask;
  const frames = await scaleFrames(mask, mask.frames, 1, to, pause);
  return new MaskBatch(to.width, to.height, frames);
}

async function scaleFrames(
  from: Raster,
  frames: readonly Uint8Array[],
  channels: number,
  to: ScaleTo,
  pause: Pause,
): Promise<Uint8Array[]> {
  const region = to.crop === "center" ? centreRegion(from, to) : { x: 0, y: 0, ...from };
  const weighing = {
    across: computeScaleTaps(to.method, region.width, to.width),
    down: computeScaleTaps(to.method, region.height, to.height),
    roundsBetween: to.method === "lanczos",
  };
  // This method weighs colours by their alpha; the others of ComfyUI do not.
  const weighsAlpha = to.method === "lanczos" && channels === 4;
  return mapFrames(frames, async (frame) => {
    const cut = cutFrame(frame, from.width, channels, region);
    const source = weighsAlpha ? await premultiply(cut, pause) : cut;
    const scaled = await resample(source, region.width, channels, weighing, pause);
    return weighsAlpha ? unpremultiply(scaled, pause) : scaled;
  });
}

export interface Region extends Raster {
  readonly x: number;
  readonly y: number;
}

function centreRegion(from: Raster, to: Raster): Region {
  const fromAspect = from.width / from.height;
  const toAspect = to.width / to.height;
  let x = 0;
  let y = 0;
  if (fromAspect > toAspect) {
    x = Math.round((from.width - from.width * (toAspect / fromAspect)) / 2);
  } else if (fromAspect < toAspect) {
    y = Math.round((from.height - from.height * (fromAspect / toAspect)) / 2);
  }
  // At least one pixel stays, however thin the target is.
  x = Math.min(x, Math.floor((from.width - 1) / 2));
  y = Math.min(y, Math.floor((from.height - 1) / 2));
  return { x, y, width: from.width - x * 2, height: from.height - y * 2 };
}

/** Copies a region of a frame; the region must lie inside. */
export function cutFrame(
  frame: Uint8Array,
  width: number,
  channels: number,
  region: Region,
): Uint8Array {
  if (region.x === 0 && region.width === width) {
    const start = region.y * width * channels;
    return frame.subarray(start, start + region.height * width * channels);
  }
  const rowLength = region.width * channels;
  const result = new Uint8Array(rowLength * region.height);
  for (let row = 0; row < region.height; row++) {
    const start = ((region.y + row) * width + region.x) * channels;
    result.set(frame.subarray(start, start + rowLength), row * rowLength);
  }
  return result;
}
