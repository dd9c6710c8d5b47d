/** What runs have taught of one (fingerprint, model set, size class). */
export interface LearnedFootprint {
  /** The peak to reckon with: weights and all. */
  readonly peakBytes: number;
  readonly runs: number;
  readonly outOfMemoryCount: number;
}

/** What running out of memory makes of the bytes that were reckoned with. */
const outOfMemoryFactor = 1.3;
/** Peaks are believed at once when they rise; this share of the difference when they fall. */
const fallingShare = 0.1;

/** What was learned on one class of card. */
export interface ClassFootprint extends LearnedFootprint {
  readonly vramClass: number;
}

/**
 * What a card must have for a kind of job, by what was learned on classes of cards, the smallest
 * first; `classOf` says which class holds so much. The smallest class that is known to do decides, and whoever ran out below it must be
 * exceeded; undefined where nothing is known.
 */
export function neededBytes(
  classes: readonly ClassFootprint[],
  classOf: (bytes: number) => number,
): number | undefined {
  let neededBytes: number | undefined;
  for (const { peakBytes, runs, vramClass } of classes) {
    neededBytes = Math.max(neededBytes ?? 0, peakBytes);
    if (runs > 0 && classOf(peakBytes) <= vramClass) break;
  }
  return neededBytes;
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
