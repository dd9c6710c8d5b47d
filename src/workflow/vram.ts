import type { PictureSize } from "./picture-size.ts";

/** How much GPU memory a job is expected to take, in bytes. */
export interface VramEstimate {
  /** All weights together; null as long as the size of one of them is unknown. */
  readonly weightsBytes: number | null;
  /** What running the model takes on top. */
  readonly activationBytes: number;
  /** What to reserve, margin included; null where nothing is known. */
  readonly reserveBytes: number | null;
  /** Whether the figure was measured or computed. */
  readonly basis: "observed" | "computed" | "unknown";
}

export interface VramFacts {
  /** Sizes of the files; null for one that nobody has measured. */
  readonly modelBytes: readonly (number | null)[];
  readonly size: PictureSize | undefined;
  /** The highest use seen so far for the same fingerprint, model set and size class. */
  readonly observedPeakBytes?: number | undefined;
}

const mebibyte = 1024 ** 2;
/** The CUDA context and what the libraries keep. */
const contextBytes = 512 * mebibyte;
/** Decoding a picture from latents dominates a single picture: about 4 KiB a pixel in 16 bits. */
const bytesPerPixel = 4096;
/** Further pictures of a batch and frames of a video only take room while sampling. */
const bytesPerFurtherPixel = 256;
/** Where the workflow does not say how large its pictures are. */
const assumedSize: PictureSize = { widthPx: 1024, heightPx: 1024, frames: 1 };
const marginShare = 0.1;

/**
 * Estimates from the weights and the picture size; a peak that was seen replaces the computation.
 * A first guess on purpose: it errs high, and the first runs correct it.
 */
export function estimateVram(facts: VramFacts): VramEstimate {
  const weightsBytes = sumOrNull(facts.modelBytes);
  const activationBytes = activationBytesOf(facts.size ?? assumedSize);
  const { observedPeakBytes } = facts;
  if (observedPeakBytes !== undefined) {
    const reserveBytes = withMargin(observedPeakBytes);
    return { weightsBytes, activationBytes, reserveBytes, basis: "observed" };
  }
  if (facts.modelBytes.length === 0) {
    return { weightsBytes: 0, activationBytes: 0, reserveBytes: 0, basis: "computed" };
  }
  return weightsBytes === null
    ? { weightsBytes, activationBytes, reserveBytes: null, basis: "unknown" }
    : {
        weightsBytes,
        activationBytes,
        reserveBytes: withMargin(weightsBytes + activationBytes),
        basis: "computed",
      };
}

/** What one run takes besides the weights, in bytes. */
function activationBytesOf({ widthPx, heightPx, frames }: PictureSize): number {
  const pixels = widthPx * heightPx;
  return contextBytes + pixels * (bytesPerPixel + bytesPerFurtherPixel * (frames - 1));
}

function withMargin(bytes: number): number {
  return Math.ceil(bytes * (1 + marginShare));
}

function sumOrNull(sizes: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const bytes of sizes) {
    if (bytes === null) return null;
    sum += bytes;
  }
  return sum;
}
