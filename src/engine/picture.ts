import sharp, { type Metadata } from "sharp";
import { NodeFault } from "./fault.ts";
import { mapFrames, takeChannel } from "./frames.ts";
import { eachSlice } from "./slices.ts";
import { checkSize, ImageBatch, MaskBatch, type Channels } from "./values.ts";

type Pause = () => Promise<void>;

/** What the engine decodes. SVG and PDF are left out on purpose: they are programs, not pixels. */
const readable = new Set(["jpeg", "png", "webp", "gif", "tiff", "heif"]);

/** A picture file as pixels: alpha is apart, as ComfyUI's loaders give it. */
export interface Picture {
  readonly image: ImageBatch;
  /** 0 to 255 by frame, opaque is 255; absent when the file has no alpha. */
  readonly alpha: readonly Uint8Array[] | undefined;
}

/**
 * Reads a picture file, upright by its EXIF orientation; animations become a batch.
 * Errors: `NodeFault` for what is no picture, or too large.
 */
export async function readPicture(path: string, pause: Pause): Promise<Picture> {
  // Colour profiles are ignored, as ComfyUI does, except for CMYK, which means nothing without.
  const head = await describe(path);
  const pages = head.format === "heif" ? 1 : (head.pages ?? 1);
  const pageHeight = head.pageHeight ?? head.height;
  checkSize(head.width, pageHeight, pages, 4);
  const options = {
    limitInputPixels: head.width * pageHeight * pages,
    ignoreIcc: head.space !== "cmyk",
    pages: pages > 1 ? -1 : 1,
  };
  const opened = sharp(path, options).toColourspace("srgb");
  const upright = pages > 1 ? opened : opened.autoOrient();
  const { data, info } = await upright
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => unreadable(path, cause));
  const height = info.height / pages;
  const frameBytes = info.width * height * info.channels;
  const frames = Array.from({ length: pages }, (_, page) => {
    const start = data.byteOffset + page * frameBytes;
    return new Uint8Array(data.buffer, start, frameBytes);
  });
  return splitAlpha(frames, info.width, height, info.channels, pause);
}

async function describe(path: string): Promise<Metadata> {
  const head = await sharp(path, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => unreadable(path, cause));
  if (!readable.has(head.format)) return unreadable(path, head.format);
  return head;
}

function unreadable(path: string, cause: unknown): never {
  const name = path.replaceAll("\\", "/").split("/").at(-1) ?? "";
  throw new NodeFault("UnidentifiedImageError", `cannot identify image file '${name}'`, { cause });
}

async function splitAlpha(
  frames: readonly Uint8Array[],
  width: number,
  height: number,
  channels: number,
  pause: Pause,
): Promise<Picture> {
  if (channels === 3) return { image: new ImageBatch(width, height, 3, frames), alpha: undefined };
  const colours = await mapFrames(frames, (frame) => takeColours(frame, channels, pause));
  const image = new ImageBatch(width, height, 3, colours);
  if (channels !== 4 && channels !== 2) return { image, alpha: undefined };
  const alpha = await mapFrames(frames, (frame) =>
    takeChannel(frame, channels, channels - 1, pause),
  );
  return { image, alpha };
}

/** RGB from RGBA, or from one grey channel with or without alpha. */
async function takeColours(frame: Uint8Array, channels: number, pause: Pause): Promise<Uint8Array> {
  const pixels = frame.length / channels;
  const result = new Uint8Array(pixels * 3);
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0];
  await eachSlice(pixels, pause, (from, to) => {
    for (let at = from; at < to; at++) {
      result[at * 3] = frame[at * channels] ?? 0;
      result[at * 3 + 1] = frame[at * channels + green] ?? 0;
      result[at * 3 + 2] = frame[at * channels + blue] ?? 0;
    }
  });
  return result;
}

interface Raw {
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
}

/** Encodes one frame as PNG. `compressionLevel` is 0 (fast) to 9 (small). */
export function encodePng(frame: Uint8Array, raw: Raw, compressionLevel: number): Promise<Buffer> {
  const { width, height, channels } = raw;
  return sharp(frame, { raw: { width, height, channels }, limitInputPixels: false })
    .png({ compressionLevel, adaptiveFiltering: false })
    .toBuffer();
}

/** Encodes one frame as a JPEG of at most `maxSide` pixels a side. */
export function encodePreview(frame: Uint8Array, raw: Raw, maxSide: number): Promise<Buffer> {
  const { width, height, channels } = raw;
  return sharp(frame, { raw: { width, height, channels } })
    .flatten()
    .resize(maxSide, maxSide, { fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 80 })
    .toBuffer();
}

/** An opaque or missing mask of `size`, in the form that loaders give without alpha. */
export function emptyMask(frameCount: number): MaskBatch {
  const frame = new Uint8Array(64 * 64);
  return new MaskBatch(
    64,
    64,
    Array.from({ length: frameCount }, () => frame),
  );
}
