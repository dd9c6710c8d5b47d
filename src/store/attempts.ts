import type { JsonObject } from "../kernel/json.ts";
import type {
  AttemptLog,
  JobProgress,
  OutputFile,
  Preview,
  Timings,
  Verdict,
} from "../protocol/worker-link.ts";
import type { JobPriority } from "../queue/queue-key.ts";
import type { AttemptFailure } from "../queue/retry-budget.ts";
import type { JobInput } from "./jobs.ts";

/** One worker that wants a job, with the id that its attempt is to have. */
export interface ClaimSlot {
  readonly workerId: string;
  readonly attemptId: string;
}

/** Workers that may take each other's jobs, and the jobs that they may take. */
export interface ClaimGroup {
  readonly slots: readonly ClaimSlot[];
  /** Places in the queue, best first; no two groups share one. */
  readonly queueIds: readonly number[];
}

export interface Claim {
  readonly jobId: string;
  /** The place in the queue that it had. */
  readonly queueId: number;
  readonly tenantId: number;
  readonly epoch: number;
  readonly attemptId: string;
  readonly workerId: string;
  readonly workflow: JsonObject;
  readonly inputs: readonly JobInput[];
  readonly sealedExtraData: Uint8Array | null;
  readonly remainingMs: number;
  /** Where it was queued; keys and tag are in seconds. */
  readonly modelSet: number;
  readonly vramClass: number;
  /** What it is reckoned to need of a card; 0: nothing is known, or nothing needed. */
  readonly vramBytes: number;
  readonly priority: JobPriority;
  /** The largest card on which it has run out of memory; null: on none. */
  readonly ranOutBytes: number | null;
  readonly v: number;
  readonly vCold: number;
  readonly startTag: number;
}

/** Names one attempt and the worker that speaks for it. */
export interface AttemptRef {
  readonly jobId: string;
  readonly epoch: number;
  readonly workerId: string;
}

/** `known`: it stands, but all or some of its outputs were recorded before, under ids of their own. */
export type Completion = "accepted" | "known" | "stale";

/** An output with the id that its asset is to have. */
export interface NewOutput extends OutputFile {
  readonly assetId: string;
}

export interface AttemptReport {
  readonly progress?: JobProgress;
  readonly preview?: Preview;
  /** Stored outputs, with the position of the first among all outputs of the attempt. */
  readonly outputs?: readonly NewOutput[];
}

export interface AttemptEnd {
  readonly log: AttemptLog | null;
  readonly timings: Timings;
  /** The most that the run took of its card's memory, where that could be told. */
  readonly peakBytes?: number | undefined;
}

/**
 * What workers do to attempts. Every write is fenced by epoch and worker: where the epoch has been
 * superseded or the job has ended otherwise, nothing changes and the answer says `stale`.
 */
export interface AttemptStore {
  /**
   * Claims the first queued jobs of a pool that need no models, at most one a slot, in one
   * statement. It looks from key `fromV` on: where the index is full of dead entries, that is all
   * the difference.
   */
  claim(
    deploymentId: number,
    slots: readonly ClaimSlot[],
    leaseMs: number,
    fromV?: number,
  ): Promise<readonly Claim[]>;
  /** Claims for each group the best of its jobs that are still there, in one statement. */
  claimChosen(
    deploymentId: number,
    groups: readonly ClaimGroup[],
    leaseMs: number,
  ): Promise<readonly Claim[]>;
  /** Renews leases that still stand; verdicts come in the order asked. */
  heartbeat(attempts: readonly AttemptRef[], leaseMs: number): Promise<readonly Verdict[]>;
  report(attempt: AttemptRef, report: AttemptReport): Promise<Verdict>;
  /** Whether the attempt may still store outputs. */
  verdict(attempt: AttemptRef): Promise<Verdict>;
  /**
   * Accepts the result, also of an attempt given up since, if nobody claimed the job again. Where
   * bytes are still being stored, everything is prepared meanwhile and committed when `stored`
   * resolves; when it rejects, nothing has happened and its reason is thrown.
   */
  complete(
    attempt: AttemptRef,
    outputs: readonly NewOutput[],
    end: AttemptEnd,
    stored?: Promise<unknown>,
  ): Promise<Completion>;
  /** Ends the attempt by its retry budget: the job is queued again or fails. */
  fail(
    attempt: AttemptRef,
    failure: AttemptFailure,
    end: AttemptEnd,
  ): Promise<"accepted" | "stale">;
  /** Gives the job back; `preempted` counts against that budget, other reasons against none. */
  release(attempt: AttemptRef, isPreempted: boolean): Promise<"accepted" | "stale">;
  /** Confirms a cancel that was asked for. */
  confirmCanceled(attempt: AttemptRef, end: AttemptEnd): Promise<"accepted" | "stale">;
}
