import type { JobState } from "./job.ts";

/** What can happen to a job. `docs/state-machines.md` draws the same table. */
export const jobEvents = [
  "claim",
  "complete",
  "requeue",
  "fail",
  "request_cancel",
  "confirm_cancel",
  "expire",
] as const;

export type JobEvent = (typeof jobEvents)[number];

type Arrows = Readonly<Record<JobState, Readonly<Partial<Record<JobEvent, JobState>>>>>;

/**
 * Every legal arrow. `complete` from `queued` is the late accept: the attempt was given up but
 * nobody claimed the job since, so its finished work still counts.
 */
export const jobArrows: Arrows = {
  queued: {
    claim: "running",
    complete: "succeeded",
    request_cancel: "canceled",
    expire: "expired",
  },
  running: {
    complete: "succeeded",
    requeue: "queued",
    fail: "failed",
    request_cancel: "canceling",
  },
  canceling: {
    complete: "succeeded",
    request_cancel: "canceling",
    confirm_cancel: "canceled",
  },
  succeeded: {},
  failed: {},
  canceled: {},
  expired: {},
};

/** The state after `event`, or undefined where there is no such arrow. */
export function nextJobState(state: JobState, event: JobEvent): JobState | undefined {
  return jobArrows[state][event];
}
