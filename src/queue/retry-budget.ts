import type { JobFailure, JobState } from "./job.ts";

/** Why an attempt did not succeed; each class has a budget of its own. */
export type FailureClass = "user" | "out_of_memory" | "transient" | "preempted" | "worker_death";

/** How often each class has struck a job so far. */
export interface FailureCounts {
  readonly outOfMemory: number;
  readonly transient: number;
  readonly preempted: number;
  readonly workerDeaths: number;
}

export const noFailures: FailureCounts = {
  outOfMemory: 0,
  transient: 0,
  preempted: 0,
  workerDeaths: 0,
};

/** Retries allowed a class; the third unannounced worker death sets the job aside. */
export const retryBudget: Readonly<Record<FailureClass, number>> = {
  user: 0,
  out_of_memory: 1,
  transient: 3,
  preempted: 10,
  worker_death: 2,
};

export interface AttemptFailure {
  readonly failureClass: FailureClass;
  readonly failure: JobFailure;
}

export interface FailureSnapshot {
  readonly state: JobState;
  readonly counts: FailureCounts;
  /** Whether some worker of the pool has more VRAM than the one that ran out. */
  readonly hasLargerWorker: boolean;
  /** The memory of the card that it ran on. */
  readonly cardBytes: number;
}

export type FailureDecision =
  | {
      readonly action: "requeue";
      readonly counts: FailureCounts;
      readonly reason: string;
      /** What a card must have for it from now on; 0: as before. */
      readonly leastVramBytes: number;
    }
  | { readonly action: "fail"; readonly counts: FailureCounts; readonly failure: JobFailure }
  | { readonly action: "cancel"; readonly counts: FailureCounts; readonly reason: string };

const counterOf = {
  out_of_memory: "outOfMemory",
  transient: "transient",
  preempted: "preempted",
  worker_death: "workerDeaths",
} as const;

/** What becomes of a job whose attempt ended without a result. */
export function decideAfterFailure(
  snapshot: FailureSnapshot,
  attempt: AttemptFailure,
): FailureDecision {
  const { failureClass, failure } = attempt;
  const counts = countFailure(snapshot.counts, failureClass);
  if (snapshot.state === "canceling") {
    return { action: "cancel", counts, reason: "the attempt ended while its cancel was under way" };
  }
  if (failureClass === "user") return { action: "fail", counts, failure };
  const used = counts[counterOf[failureClass]];
  const budget = retryBudget[failureClass];
  if (failureClass === "out_of_memory" && !snapshot.hasLargerWorker) {
    const message = `${failure.message} (no worker of the deployment has more memory)`;
    return { action: "fail", counts, failure: { ...failure, message } };
  }
  if (used <= budget) {
    const reason = `${failureClass} ${used} of ${budget} retries`;
    const leastVramBytes = failureClass === "out_of_memory" ? snapshot.cardBytes + 1 : 0;
    return { action: "requeue", counts, reason, leastVramBytes };
  }
  return { action: "fail", counts, failure: exhausted(failureClass, failure, used) };
}

function countFailure(counts: FailureCounts, failureClass: FailureClass): FailureCounts {
  if (failureClass === "user") return counts;
  const counter = counterOf[failureClass];
  return { ...counts, [counter]: counts[counter] + 1 };
}

function exhausted(failureClass: FailureClass, failure: JobFailure, used: number): JobFailure {
  if (failureClass === "worker_death") {
    const message = `${used} workers died without notice while they ran this job`;
    return { ...failure, code: "poison", message };
  }
  return { ...failure, message: `${failure.message} (tried ${used} times)` };
}
