/** What makes a sampling run long. */
export interface SamplingSize {
  readonly steps: number;
  readonly pixels: number;
  readonly frames: number;
}

/** A step of an SDXL over a million pixels on an RTX 4090, as commonly reported. */
const stepMsPerMegapixel = 150;
/** Text encoding, decoding and saving. */
const overheadMs = 1_000;

/**
 * A first guess at a run on the reference card, for planning before anything has been measured. A
 * larger model than an SDXL takes longer; one measured run replaces it.
 */
export function guessRunMs(size: SamplingSize): number {
  const megapixels = (size.pixels * size.frames) / 1_000_000;
  return Math.round(overheadMs + size.steps * megapixels * stepMsPerMegapixel);
}
