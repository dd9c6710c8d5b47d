import type { LaunchObservation } from "../../store/scaling.ts";

export interface LaunchLimit {
  /** Nothing is launched before; null for at once. */
  readonly notBeforeMs: number | null;
}

const firstBackoffMs = 1_000;
const maxBackoffMs = 900_000;
/** With so many failures within an hour the platform gets no more launches until one is an hour old. */
const maxFailuresPerHour = 20;
const hourMs = 3_600_000;

/**
 * Doubles the wait with every launch in a row that never came to a ready worker. `launches` are
 * those of one deployment on one platform within the last hour, newest first.
 */
export function launchLimit(launches: readonly LaunchObservation[]): LaunchLimit {
  const decided = launches.filter(({ goneAt, wasReady }) => goneAt !== null || wasReady);
  const firstGood = decided.findIndex((launch) => !hasFailed(launch));
  const inRow = firstGood === -1 ? decided.length : firstGood;
  const newest = decided[0];
  if (inRow === 0 || newest === undefined) return { notBeforeMs: null };
  const failures = decided.filter(hasFailed);
  const oldest = failures.at(-1);
  if (failures.length >= maxFailuresPerHour && oldest !== undefined) {
    return { notBeforeMs: oldest.createdAt.getTime() + hourMs };
  }
  const backoffMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (inRow - 1));
  return { notBeforeMs: newest.createdAt.getTime() + backoffMs };
}

function hasFailed({ goneAt, wasReady }: LaunchObservation): boolean {
  return goneAt !== null && !wasReady;
}
