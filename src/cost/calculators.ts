import { ratedMicroUsd } from "../kernel/money.ts";

/** A run of `executionMs` at a flat rate, and nothing else. */
export function executionCostMicroUsd(microUsdPerHour: number, executionMs: number): number {
  return ratedMicroUsd(microUsdPerHour, executionMs);
}

/** The same with a cold start before it, billed at the same rate. */
export function coldExecutionCostMicroUsd(
  microUsdPerHour: number,
  executionMs: number,
  startMs: number,
): number {
  return ratedMicroUsd(microUsdPerHour, executionMs + startMs);
}
