/** What is known about the run times of one kind of job: an average that follows the latest. */
export interface RunEstimate {
  readonly meanSeconds: number;
  readonly samples: number;
}

/** How much the newest sample counts once there are enough of them. */
const newestShare = 0.2;

/** A job that ended on its own, or one that was stopped after so many seconds. */
export interface RunSample {
  readonly seconds: number;
  /** It was stopped by a timeout: it would have taken at least this long. */
  readonly isCensored: boolean;
}

/** Takes in one run. The first samples count as a plain average. */
export function learnRun(known: RunEstimate | undefined, sample: RunSample): RunEstimate {
  if (known === undefined) return { meanSeconds: sample.seconds, samples: 1 };
  const { meanSeconds, samples } = known;
  // "At least this long" teaches nothing where longer was expected anyway.
  if (sample.isCensored && sample.seconds <= meanSeconds) return known;
  const share = Math.max(newestShare, 1 / (samples + 1));
  return {
    meanSeconds: meanSeconds + share * (sample.seconds - meanSeconds),
    samples: samples + 1,
  };
}

/** From the most particular kind of job to the most general, each perhaps unknown. */
export type EstimateLadder = readonly (RunEstimate | undefined)[];

/** So many samples weigh as much as everything more general. */
const priorSamples = 2;

/**
 * Expected run seconds. Each rung leans on the more general one below it until it has samples of
 * its own; `fallbackSeconds` stands below all of them.
 */
export function estimateRunSeconds(ladder: EstimateLadder, fallbackSeconds: number): number {
  let expected = fallbackSeconds;
  for (const rung of ladder.toReversed()) {
    if (rung === undefined) continue;
    const weight = rung.samples / (rung.samples + priorSamples);
    expected += weight * (rung.meanSeconds - expected);
  }
  return expected;
}
