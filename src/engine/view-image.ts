import sharp, { type Sharp } from "sharp";
import { maxFramePixels } from "./values.ts";

/** A picture made for showing. */
export interface ShownImage {
  readonly contentType: string;
  readonly data: Buffer;
}

/**
 * A smaller encoding of a picture. `preview` is "webp;90", "jpeg" or alike: other formats become
 * WebP, and a missing or bad quality is 90.
 */
export async function encodePreviewOf(path: string, preview: string): Promise<ShownImage> {
  const [format, asked] = preview.split(";");
  const number = Number(asked);
  const quality = /^\d+$/u.test(asked ?? "") ? Math.min(100, Math.max(1, number)) : 90;
  const image = open(path).toColourspace("srgb");
  if (format === "jpeg") {
    const data = await image.flatten().jpeg({ quality }).toBuffer();
    return { contentType: "image/jpeg", data };
  }
  return { contentType: "image/webp", data: await image.webp({ quality }).toBuffer() };
}

/** A picture without its alpha ("rgb"), or only its alpha over black ("a"), as PNG. */
export async function encodeChannel(path: string, channel: "rgb" | "a"): Promise<ShownImage> {
  const contentType = "image/png";
  const image = open(path).toColourspace("srgb");
  if (channel === "rgb") return { contentType, data: await image.removeAlpha().png().toBuffer() };
  const { data, info } = await image.ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  for (let at = 0; at < data.length; at++) if (at % channels < channels - 1) data[at] = 0;
  const raw = sharp(data, { raw: { width, height, channels } });
  return { contentType, data: await raw.png().toBuffer() };
}

function open(path: string): Sharp {
  return sharp(path, { limitInputPixels: maxFramePixels });
}
