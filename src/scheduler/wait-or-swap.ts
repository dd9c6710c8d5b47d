import type { Head, ModelSetView, WorkerView } from "./head.ts";
import type { SchedulingPolicy } from "./policy.ts";

/**
 * Whether a head should wait for a worker that holds its models instead of making this one load
 * them. Loading pays once the queue for the set, shared by its warm workers, is longer than the
 * load; a job that has waited too long is past such thrift. On a spare worker a load takes little
 * from others.
 */
export function shouldWait(
  worker: WorkerView,
  head: Head,
  set: ModelSetView | undefined,
  nowSeconds: number,
  policy: SchedulingPolicy,
): boolean {
  if (head.loadSeconds < policy.swapFloorSeconds) return false;
  if (set === undefined || set.warmWorkers === 0) return false;
  if (nowSeconds - head.job.enqueuedAtSeconds > policy.patienceSeconds) return false;
  const loadWeight = worker.isSpare === true ? policy.spareLoadWeight : policy.loadWeight;
  return warmWaitSeconds(set) < loadWeight * head.loadSeconds;
}

/** When the warm workers would have come through everything queued for the set. */
export function warmWaitSeconds(set: ModelSetView): number {
  return set.warmInSeconds + set.backlogSeconds / set.warmWorkers;
}
