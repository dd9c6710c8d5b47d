import { pixelsOf, type PictureSize } from "./picture-size.ts";

/** 256 × 256, below which size hardly matters. */
const smallestPixels = 1 << 16;
const maxClass = 32;

/**
 * In which power of two a job's pixels fall: 1 up to 256 × 256, 3 at 512 × 512, 5 at 1024 × 1024,
 * one more for twice as many pictures or frames. 0: the workflow does not say.
 */
export function sizeClassOf(size: PictureSize | undefined): number {
  const pixels = pixelsOf(size);
  if (pixels < 1) return 0;
  return Math.min(Math.max(0, Math.floor(Math.log2(pixels / smallestPixels))) + 1, maxClass);
}
