import type { JobState } from "../../queue/job.ts";
import type { AttemptState } from "../../queue/attempt.ts";
import {
  decideAfterFailure,
  type AttemptFailure,
  type FailureCounts,
} from "../../queue/retry-budget.ts";
import { vramClassOf } from "../../queue/vram-class.ts";
import type { AttemptEnd, AttemptRef } from "../attempts.ts";
import type { ReapedJob } from "../control.ts";
import type { Runner } from "./database.ts";

export interface LockedAttempt {
  readonly state: JobState;
  readonly counts: FailureCounts;
  readonly hasLargerWorker: boolean;
  /** Of the card that it ran on. */
  readonly cardBytes: number;
}

/** Locks the job of a live attempt until the transaction ends; undefined: superseded. */
export async function lockAttempt(
  runner: Runner,
  attempt: AttemptRef,
): Promise<LockedAttempt | undefined> {
  const [row] = await runner.run<FailureCounts & Omit<LockedAttempt, "counts">>("attempts-lock", [
    attempt.jobId,
    attempt.epoch,
    attempt.workerId,
  ]);
  if (row === undefined) return undefined;
  const { state, hasLargerWorker, cardBytes, ...counts } = row;
  return { state, hasLargerWorker, cardBytes, counts };
}

/** Ends an attempt without a result, by the job's retry budget. Undefined: superseded. */
export async function failAttempt(
  runner: Runner,
  attempt: AttemptRef,
  failed: AttemptFailure,
  attemptState: AttemptState,
  end: AttemptEnd,
): Promise<Pick<ReapedJob, "outcome" | "reason"> | undefined> {
  const locked = await lockAttempt(runner, attempt);
  if (locked === undefined) return undefined;
  const decision = decideAfterFailure(locked, failed);
  const cause = { attemptState, ...failed };
  switch (decision.action) {
    case "requeue":
      await requeueAttempt(runner, attempt, decision.counts, cause, end, decision.leastVramBytes);
      return { outcome: "requeued", reason: decision.reason };
    case "cancel":
      await cancelAttempt(runner, attempt, decision.counts, attemptState, end);
      return { outcome: "canceled", reason: decision.reason };
    case "fail":
      await runner.run("attempts-end", [
        attempt.jobId,
        attempt.epoch,
        "failed",
        JSON.stringify(decision.failure),
        attemptState,
        failed.failureClass,
        ...countValues(decision.counts),
        ...endValues(end),
        JSON.stringify(failed.failure),
      ]);
      return { outcome: "failed", reason: decision.failure.code };
  }
}

export async function requeueAttempt(
  runner: Runner,
  attempt: AttemptRef,
  counts: FailureCounts,
  cause: { readonly attemptState: AttemptState } & Partial<AttemptFailure>,
  end: AttemptEnd,
  leastVramBytes = 0,
): Promise<boolean> {
  const rows = await runner.run("attempts-requeue", [
    attempt.jobId,
    attempt.epoch,
    cause.attemptState,
    cause.failureClass ?? null,
    cause.failure === undefined ? null : JSON.stringify(cause.failure),
    ...countValues(counts),
    end.log?.text ?? null,
    end.log?.truncated ?? false,
    leastVramBytes,
    vramClassOf(leastVramBytes),
  ]);
  return rows.length > 0;
}

export async function cancelAttempt(
  runner: Runner,
  attempt: AttemptRef,
  counts: FailureCounts,
  attemptState: AttemptState,
  end: AttemptEnd,
): Promise<boolean> {
  const rows = await runner.run("attempts-end", [
    attempt.jobId,
    attempt.epoch,
    "canceled",
    null,
    attemptState,
    null,
    ...countValues(counts),
    ...endValues(end),
    null,
  ]);
  return rows.length > 0;
}

function countValues(counts: FailureCounts): readonly number[] {
  return [counts.outOfMemory, counts.transient, counts.preempted, counts.workerDeaths];
}

function endValues(end: AttemptEnd): readonly unknown[] {
  return [end.log?.text ?? null, end.log?.truncated ?? false, JSON.stringify(end.timings)];
}
