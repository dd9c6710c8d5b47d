/** What running a workflow of one size takes on a card, before anything is known of it. */
export interface FootprintEstimate {
  readonly weightsBytes: number;
  readonly inferenceBytes: number;
}

/** What runs have taught of one (fingerprint, model set, size class). */
export interface LearnedFootprint {
  /** The peak to reckon with: weights and all. */
  readonly peakBytes: number;
  readonly runs: number;
  readonly outOfMemoryCount: number;
}

/** Added to an estimate that no run has confirmed. */
const estimateMargin = 0.1;
/** What running out of memory makes of the bytes that were reckoned with. */
const outOfMemoryFactor = 1.3;
/** Peaks are believed at once when they rise; this share of the difference when they fall. */
const fallingShare = 0.1;

/** The bytes that a run has to be given: its learned peak, else weights + activation + margin. */
export function footprintBytes(
  estimate: FootprintEstimate,
  learned: LearnedFootprint | undefined,
): number {
  if (learned !== undefined) return learned.peakBytes;
  return Math.ceil((estimate.weightsBytes + estimate.inferenceBytes) * (1 + estimateMargin));
}

/** What a run that ended well teaches by its measured peak. */
export function learnPeak(
  learned: LearnedFootprint | undefined,
  measuredBytes: number,
): LearnedFootprint {
  if (learned === undefined) return { peakBytes: measuredBytes, runs: 1, outOfMemoryCount: 0 };
  const difference = measuredBytes - learned.peakBytes;
  const step = difference >= 0 ? difference : difference * fallingShare;
  return { ...learned, peakBytes: Math.ceil(learned.peakBytes + step), runs: learned.runs + 1 };
}

/**
 * What running out of memory teaches: more than was reckoned with, by the factor, and more than the
 * run could have had on that card.
 */
export function learnOutOfMemory(
  learned: LearnedFootprint | undefined,
  reckonedBytes: number,
  availableBytes: number,
): LearnedFootprint {
  const raised = Math.ceil(Math.max(reckonedBytes, learned?.peakBytes ?? 0) * outOfMemoryFactor);
  return {
    peakBytes: Math.max(raised, availableBytes + 1),
    runs: learned?.runs ?? 0,
    outOfMemoryCount: (learned?.outOfMemoryCount ?? 0) + 1,
  };
}
