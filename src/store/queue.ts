import type { JobState } from "../queue/job.ts";
import type { JobPriority } from "../queue/queue-key.ts";

/** A set of model files under its number. */
export interface ModelSetRecord {
  readonly id: number;
  readonly keys: readonly string[];
}

/** Where to look for the first jobs of a model set, or of a VRAM class. */
export interface HeadProbe {
  /** Number of the set, or the class. */
  readonly of: number;
  /** Jobs that need more are passed over. */
  readonly vramBytes: number;
  /** The key from which to look: what is before it is gone. */
  readonly fromKey: number;
  readonly limit: number;
}

export interface HeadsQuery {
  readonly deploymentId: number;
  readonly exceptTenantIds: readonly number[];
  readonly sets: readonly HeadProbe[];
  readonly classes: readonly HeadProbe[];
  readonly overdue: { readonly vramBytes: number; readonly limit: number };
}

/** A queued job as the queue table has it; keys are in seconds. */
export interface QueuedRow {
  readonly lane: "resident" | "cold" | "overdue";
  readonly queueId: number;
  readonly jobId: string;
  readonly tenantId: number;
  readonly modelSet: number;
  readonly vramClass: number;
  readonly vramBytes: number;
  readonly v: number;
  readonly vCold: number;
  readonly overdueFrom: number;
  readonly enqueuedAtSeconds: number;
  readonly estimateMs: number;
  readonly due: number | null;
  readonly isDemoted: boolean;
  /** The database's clock. */
  readonly nowSeconds: number;
}

/** What is queued for one model set. */
export interface SurveyedSet extends ModelSetRecord {
  readonly leastKey: number;
  /** Counted up to the limit that was asked for. */
  readonly jobs: number;
  /** Expected run time of these jobs. */
  readonly backlogMs: number;
}

export interface QueueSurvey {
  readonly sets: readonly SurveyedSet[];
  /** The least `v_cold` of each VRAM class that has jobs which need models. */
  readonly classes: readonly { readonly vramClass: number; readonly leastKey: number }[];
  /** Whether several tenants use the pool. */
  readonly isShared: boolean;
  /** Tenants that run as many jobs as they may. */
  readonly cappedTenantIds: readonly number[];
}

/** A ready worker and what it is at. */
export interface FleetWorker {
  readonly workerId: string;
  /** 0: it has not said. */
  readonly vramBytes: number;
  readonly gpu: string;
  /** When its job was claimed, by the database's clock; null: idle. */
  readonly busySinceSeconds: number | null;
  /** When its job is expected to end, by the database's clock; null: idle. */
  readonly freeAtSeconds: number | null;
  /** The set that its job uses; null: idle. */
  readonly modelSet: number | null;
}

/** Where a job stands in its queue; keys and wish are in seconds. */
export interface JobStanding {
  readonly jobId: string;
  readonly deploymentId: number;
  readonly state: JobState;
  readonly priority: JobPriority;
  readonly v: number;
  readonly vCold: number;
  readonly modelSet: number;
  /** Model keys. */
  readonly models: readonly string[];
  readonly vramBytes: number;
  readonly estimateMs: number;
  readonly due: number | null;
  readonly isDemoted: boolean;
}

/** The queue as those see it who decide what runs next. Nothing here locks or claims. */
export interface QueueStore {
  heads(query: HeadsQuery): Promise<readonly QueuedRow[]>;
  /** Looks at everything from the very first key on; `countLimit` jobs a set at most. */
  survey(deploymentId: number, countLimit: number): Promise<QueueSurvey>;
  fleet(deploymentId: number): Promise<readonly FleetWorker[]>;
  /** Of any tenant's job: this is for operators. */
  standing(jobId: string): Promise<JobStanding | undefined>;
  /** The number of a set, found or given. */
  internModelSet(hash: string, keys: readonly string[]): Promise<number>;
  modelSets(ids: readonly number[]): Promise<readonly ModelSetRecord[]>;
  /** Moves jobs that can no longer be in time so many seconds back, once. */
  demote(deploymentId: number, queueIds: readonly number[], bySeconds: number): Promise<void>;
  /** Notes the largest start tag that was claimed in a pool that tenants share. */
  advanceClock(deploymentId: number, startTag: number): Promise<void>;
}
