import { defaultKeyPolicy, type KeyPolicy } from "../queue/virtual-start.ts";

/** Everything about the order of work that an operator may set. */
export interface SchedulingPolicy extends KeyPolicy {
  /** The weight of a load on a worker that is spare. */
  readonly spareLoadWeight: number;
  /** Loads shorter than this are never waited for. */
  readonly swapFloorSeconds: number;
  /** A job that has waited this long no longer waits for a warm worker. */
  readonly patienceSeconds: number;
  /** One claim in this many serves the overdue lane first. */
  readonly overdueEvery: number;
  /** What becomes of a job that can no longer meet its deadline. */
  readonly missedDeadline: "fail" | "demote";
}

export const defaultPolicy: SchedulingPolicy = {
  ...defaultKeyPolicy,
  spareLoadWeight: 3,
  swapFloorSeconds: 1,
  patienceSeconds: 60,
  overdueEvery: 4,
  missedDeadline: "demote",
};
