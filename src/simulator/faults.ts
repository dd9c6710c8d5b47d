import { drawFactor } from "./statistics.ts";
import type { Nature } from "./cluster.ts";
import { defaultLoadModel, type LoadModel } from "./residency.ts";

/** What goes wrong, by chance. All zero: nothing does. */
export interface Faults {
  /** Deaths of a worker per hour of fleet time and worker. */
  readonly deathsPerWorkerHour: number;
  /** Share of first attempts that run out of memory half way and are queued again. */
  readonly outOfMemoryShare: number;
  /** Share of loads that take five times as long. */
  readonly slowLoadShare: number;
}

export const noFaults: Faults = { deathsPerWorkerHour: 0, outOfMemoryShare: 0, slowLoadShare: 0 };

/** How loads vary: published p95 over p50 of base model loads is 2. */
const loadSigma = 0.42;
const slowLoadFactor = 5;
const failsAfterShare = 0.5;

/** Draws every misfortune of a run from one stream of random numbers. */
export function natureOf(
  random: () => number,
  options: { readonly faults?: Faults; readonly loads?: LoadModel; readonly freeLoads?: boolean },
): Nature {
  const faults = options.faults ?? noFaults;
  const retried = new Set<string>();
  return {
    loads: options.loads ?? defaultLoadModel,
    freeLoads: options.freeLoads ?? false,
    drawLoadFactor: () => {
      const isSlow = faults.slowLoadShare > 0 && random() < faults.slowLoadShare;
      return drawFactor(random, loadSigma) * (isSlow ? slowLoadFactor : 1);
    },
    drawFailure: ({ jobId }) => {
      if (faults.outOfMemoryShare === 0 || retried.has(jobId)) return undefined;
      if (random() >= faults.outOfMemoryShare) return undefined;
      retried.add(jobId);
      return failsAfterShare;
    },
  };
}
