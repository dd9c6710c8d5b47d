import { seededRandom } from "../kernel/random.ts";

export interface Traffic {
  readonly requestsPerDay: number;
  /** How many times its mean the busiest hour of the day has; 1: the same all day. */
  readonly peakFactor: number;
  readonly seed: number;
  /** About how many jobs are to be played: fewer say little of percentiles, more take time. */
  readonly jobs: number;
}

export interface Arrivals {
  readonly timesMs: readonly number[];
  readonly horizonMs: number;
}

const dayMs = 86_400_000;
const maxDays = 120;
/** Days with more jobs than this many times what was asked for are played in part. */
const maxExcess = 10;

/**
 * Random arrivals (Poisson) over whole days with one quiet and one busy time. Loads beyond what is
 * worth playing keep their rate for a part of a day, at its mean and without the busy time.
 */
export function arrivalsOf(traffic: Traffic): Arrivals {
  const { requestsPerDay, jobs } = traffic;
  const days = Math.min(maxDays, Math.max(1, Math.ceil(jobs / requestsPerDay)));
  const isPart = requestsPerDay > maxExcess * jobs;
  const horizonMs = isPart ? Math.ceil((dayMs * maxExcess * jobs) / requestsPerDay) : days * dayMs;
  const swing = isPart ? 0 : traffic.peakFactor - 1;
  const random = seededRandom(traffic.seed);
  const peakPerMs = (requestsPerDay / dayMs) * (1 + swing);
  const timesMs: number[] = [];
  let nowMs = 0;
  for (;;) {
    nowMs -= Math.log(1 - random()) / peakPerMs;
    if (nowMs >= horizonMs) return { timesMs, horizonMs };
    const share = 1 - swing * Math.cos((2 * Math.PI * nowMs) / dayMs);
    if (random() * (1 + swing) < share) timesMs.push(nowMs);
  }
}
