import type { SimJob } from "../sim-job.ts";

/**
 * What the cheapest schedule without any waiting pays, in seconds of a worker: for each job the
 * place that became free last; a gap is bridged or the worker comes back, whichever costs less.
 * Jobs load nothing but at a return. A rule that lets jobs wait may pay less.
 */
export function clairvoyantSeconds(jobs: readonly SimJob[], returnSeconds: number): number {
  const freeAt: number[] = [];
  let paid = 0;
  for (const { arrivalSeconds, warmSeconds } of jobs) {
    let place = -1;
    for (const [index, free] of freeAt.entries()) {
      if (free <= arrivalSeconds && free > (freeAt[place] ?? -Infinity)) place = index;
    }
    const gap = place === -1 ? Infinity : arrivalSeconds - (freeAt[place] ?? 0);
    paid += Math.min(gap, returnSeconds) + warmSeconds;
    freeAt[place === -1 ? freeAt.length : place] = arrivalSeconds + warmSeconds;
  }
  return paid;
}

/** The largest number of jobs that would run at once if none ever waited. */
export function peakConcurrency(jobs: readonly SimJob[]): number {
  const changes = jobs.flatMap(({ arrivalSeconds, warmSeconds }) => [
    { atSeconds: arrivalSeconds, by: 1 },
    { atSeconds: arrivalSeconds + warmSeconds, by: -1 },
  ]);
  changes.sort((left, right) => left.atSeconds - right.atSeconds || left.by - right.by);
  let [now, most] = [0, 0];
  for (const { by } of changes) most = Math.max(most, (now += by));
  return most;
}
