import type { JsonObject } from "../kernel/json.ts";
import type { JobProgress, Preview, Timings } from "../protocol/worker-link.ts";
import type { JobFailure, JobState } from "../queue/job.ts";
import type { JobPriority } from "../queue/queue-key.ts";

/** A file that a job's workflow refers to, resolved at submit. */
export interface JobInput {
  /** Leads from the workflow to the value that the worker replaces. */
  readonly path: readonly (string | number)[];
  readonly assetId: string;
  readonly filename: string;
  readonly hash: string;
  readonly sizeBytes: number;
  readonly blobKey: string;
}

/** Where a job stands among others; decided at submit and kept across retries. */
export interface JobPlacement {
  readonly fingerprint: string | null;
  /** Number of its model set; 0 needs no models and no video memory. */
  readonly modelSet: number;
  readonly sizeClass: string;
  readonly vramBytes: number;
  readonly vramClass: number;
  /** Expected run time on a warm worker; 0: nothing is known. */
  readonly estimateMs: number;
  /** From the start tag to the key `v`: class delay and run time. */
  readonly delaySeconds: number;
  /** From `v` to `v_cold`: what loading the models counts. */
  readonly coldDelaySeconds: number;
  /** From the start tag to the overdue lane. */
  readonly overdueAfterSeconds: number;
  /** Until when the caller wishes to have it; null: no wish. */
  readonly dueInMs: number | null;
  /** What the job costs its tenant in a pool that several share; null elsewhere: the tag is now. */
  readonly tagSeconds: number | null;
}

export interface NewJob {
  readonly id: string;
  readonly tenantId: number;
  readonly deploymentId: number;
  readonly priority: JobPriority;
  /** The workflow exactly as the caller sent it. */
  readonly workflow: JsonObject;
  readonly inputs: readonly JobInput[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Sealed per-prompt credentials; wiped when the job ends. */
  readonly sealedExtraData: Uint8Array | null;
  readonly idempotencyKey: string | null;
  /** From submit; a job that has not ended by then expires. */
  readonly deadlineMs: number;
  /** From the end of the job; from submit while it has not ended. */
  readonly retentionMs: number;
  readonly placement: JobPlacement;
}

/** The keys under which a job was queued, in seconds. */
export interface QueueKey {
  readonly v: number;
  readonly vCold: number;
}

/** A worker that waits for a job without models, held for one that is about to be recorded. */
export interface Seat {
  readonly workerId: string;
  /** The id that its attempt is to have. */
  readonly attemptId: string;
  readonly leaseMs: number;
  /** From which key on the queue is looked through for jobs that come before. */
  readonly fromV: number;
}

/** A job as it was recorded. */
export interface Submitted extends QueueKey {
  /** Its place in the queue, or the one that it would have had. */
  readonly queueId: number;
  /** 0: it is queued; 1: the seat has it. */
  readonly epoch: number;
  readonly startTag: number;
  /** How long the attempt may take. */
  readonly remainingMs: number;
}

export interface JobOutput {
  readonly assetId: string;
  readonly nodeId: string;
  readonly name: string;
  readonly type: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly hash: string;
  readonly blobKey: string;
}

export interface JobRecord {
  readonly id: string;
  readonly tenantId: number;
  readonly deploymentId: number;
  readonly deployment: string;
  readonly state: JobState;
  readonly epoch: number;
  readonly priority: JobPriority;
  readonly submittedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
  readonly failure: JobFailure | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Jobs ahead in the queue, counted up to 10,000 and null beyond; null unless queued. */
  readonly queuePosition: number | null;
  /** What its wait depends on; null unless queued. */
  readonly outlook: {
    readonly readyWorkers: number;
    /** Null before anything has run in the deployment. */
    readonly meanRunMs: number | null;
    /** To load its models where nothing of them is resident. */
    readonly loadMs: number;
  } | null;
  readonly progress: JobProgress | null;
  /** Phases of the current attempt, once it has ended. */
  readonly timings: Timings | null;
  /** Outputs of the current attempt so far, or of the accepted one. */
  readonly outputs: readonly JobOutput[];
}

/** A line of a job list: no outputs, no progress. */
export type JobSummary = Omit<
  JobRecord,
  "queuePosition" | "outlook" | "progress" | "timings" | "outputs"
>;

export interface JobLog {
  readonly text: string;
  readonly truncated: boolean;
  readonly capturedAt: Date;
}

export interface JobListQuery {
  readonly tenantId: number;
  readonly deploymentId?: number;
  readonly states?: readonly JobState[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly limit: number;
  /** Newest first: only jobs with a lower id (ids are time-ordered UUIDs). */
  readonly beforeId?: string;
}

export interface JobStore {
  /**
   * Records the job, its payload, idempotency key and queue row in one transaction. Returns
   * `reused` where the key was used within 24 h, and then records nothing. Errors:
   * `insufficient_credits` where a budget has no room; the key stays free then. With a seat, and
   * nobody before it in the queue, the job is claimed in the same statement.
   */
  submit(job: NewJob, seat?: Seat): Promise<Submitted | "reused">;
  /** Jobs of other tenants and jobs past their retention are not found. */
  get(tenantId: number, jobId: string): Promise<JobRecord | undefined>;
  workflow(tenantId: number, jobId: string): Promise<JsonObject | undefined>;
  /** Null: the job exists and has no log. */
  log(tenantId: number, jobId: string): Promise<JobLog | null | undefined>;
  list(query: JobListQuery): Promise<readonly JobSummary[]>;
  /** Queued: canceled at once. Running: canceling. Ended: unchanged. Returns whether the job exists. */
  requestCancel(tenantId: number, jobId: string): Promise<boolean>;
  /** The most recent preview of a job that is running. */
  preview(tenantId: number, jobId: string): Promise<Preview | undefined>;
  /** The workflows of the first `limit` queued jobs of a deployment, in order. */
  headWorkflows(deploymentId: number, limit: number): Promise<readonly JsonObject[]>;
  /** Queued jobs of a deployment, counted up to `limit`. */
  queuedCount(deploymentId: number, limit: number): Promise<number>;
}
