/** Work that arrived in equal stretches of time, oldest first: seconds of a worker in each. */
export interface Series {
  readonly bucketMs: number;
  readonly startMs: number;
  readonly values: readonly number[];
}

export interface Arrivals {
  readonly startsAtMs: number;
  readonly jobs: number;
  readonly runMs: number;
}

/** Ten minutes: as fine as a daily profile can be learned in a week. */
export const bucketMs = 600_000;

/** The most that is looked back on: nine weeks. */
const maxBuckets = 9 * 7 * 144;

/**
 * Fills the buckets without arrivals, up to and without the one that holds `nowMs`. Where run times
 * are not known yet, jobs count with `meanRunMs`.
 */
export function seriesOf(arrivals: readonly Arrivals[], nowMs: number, meanRunMs: number): Series {
  const endMs = Math.floor(nowMs / bucketMs) * bucketMs;
  const first = arrivals[0]?.startsAtMs ?? endMs;
  const startMs = Math.max(first, endMs - maxBuckets * bucketMs);
  const count = Math.max(0, Math.round((endMs - startMs) / bucketMs));
  const values = Array.from({ length: count }, () => 0);
  for (const { startsAtMs, jobs, runMs } of arrivals) {
    const index = Math.round((startsAtMs - startMs) / bucketMs);
    if (index < 0 || index >= count) continue;
    values[index] = (values[index] ?? 0) + Math.max(runMs, jobs * meanRunMs) / 1000;
  }
  return { bucketMs, startMs, values };
}
