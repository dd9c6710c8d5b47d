import type { ScalingPolicy } from "./policy.ts";

/**
 * How far one job moves the thrift. At 0.95 promised, a miss takes back what nineteen hits gave,
 * so the average settles where the promise is just held.
 */
const step = 0.01;

/** Saves a little after a job in time, spends more after one that was late; within 0 and 1. */
export function learnThrift(thrift: number, wasInTime: boolean, goalShare: number): number {
  return Math.min(1, Math.max(0, thrift + step * ((wasInTime ? 1 : 0) - goalShare)));
}

/** Patience and keep-alive of the policy, moved along the line that its thrift stands on. */
export interface Course {
  readonly patienceShare: number;
  readonly coldStartMicroUsd: number;
}

const spending: Course = { patienceShare: 0.4, coldStartMicroUsd: 90_000 };
const saving: Course = { patienceShare: 1.1, coldStartMicroUsd: 0 };

export function courseOf(policy: ScalingPolicy, thrift: number | null): Course {
  if (policy.goal === null || thrift === null) return policy;
  const between = (key: keyof Course): number =>
    spending[key] + thrift * (saving[key] - spending[key]);
  return {
    patienceShare: between("patienceShare"),
    coldStartMicroUsd: between("coldStartMicroUsd"),
  };
}
