import type { DemandView } from "./snapshot.ts";

/**
 * Workers that the present load needs so that few wait: the load itself and some standard
 * deviations of it. Bursts count by the dispersion of the arrivals, since callers who come
 * together need more than as many who do not.
 */
export function queueingFloor(demand: DemandView, sigmas: number): number {
  const { jobsPerSecond, dispersion, meanRunMs, meanLoadMs, loadShare } = demand;
  const busy = (jobsPerSecond * (meanRunMs + loadShare * meanLoadMs)) / 1000;
  if (busy <= 0 || sigmas <= 0) return 0;
  return Math.ceil(busy + sigmas * Math.sqrt(Math.max(1, dispersion) * busy));
}

/** The probability that a job finds all workers busy, with that many standard deviations to spare. */
export function waitProbability(sigmas: number): number {
  if (sigmas <= 0) return 1;
  const density = Math.exp(-(sigmas ** 2) / 2) / Math.sqrt(2 * Math.PI);
  return 1 / (1 + (sigmas * normalDistribution(sigmas)) / density);
}

/** Zelen and Severo's polynomial; wrong by less than 1e-7. */
function normalDistribution(x: number): number {
  const t = 1 / (1 + 0.231_641_9 * x);
  const density = Math.exp(-(x ** 2) / 2) / Math.sqrt(2 * Math.PI);
  const tail = [0.319_381_53, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
  return 1 - density * tail.reduceRight((sum, factor) => (sum + factor) * t, 0);
}
