/** How a deployment is to be scaled, as its operator set it; the settings are checked by readers. */
export interface ScalingRecord {
  readonly deploymentId: number;
  readonly deployment: string;
  readonly settings: unknown;
  /** What the policy has learned. */
  readonly memory: unknown;
}

/** What waits in a deployment. */
export interface QueueObservation {
  readonly deploymentId: number;
  /** Counted up to 1000. */
  readonly queued: number;
  /** The first 200 in the order in which they run: model set and expected run in milliseconds. */
  readonly head: readonly (readonly [modelSet: number, estimateMs: number])[];
}

/** An instance that is not gone, with the workers in it, or a worker that nobody launched. */
export interface InstanceObservation {
  readonly deploymentId: number;
  /** Null for a worker that was started by hand. */
  readonly instanceId: string | null;
  readonly platform: string | null;
  readonly state: "launching" | "running" | "terminating" | null;
  readonly createdAt: Date;
  readonly workerId: string | null;
  readonly workerState: "starting" | "ready" | "draining" | null;
  /** Of the attempts it runs: when the first was claimed, and what all are expected to take. */
  readonly claimedAt: Date | null;
  readonly estimateMs: number | null;
  readonly modelSet: number | null;
}

export interface LaunchObservation {
  readonly deploymentId: number;
  readonly platform: string;
  readonly createdAt: Date;
  readonly goneAt: Date | null;
  /** Whether a worker of it was ever ready. */
  readonly wasReady: boolean;
}

export interface EndedAttempt {
  readonly deploymentId: number;
  readonly instanceId: string | null;
  readonly modelSet: number;
  readonly submittedAt: Date;
  readonly claimedAt: Date;
  readonly endedAt: Date;
  readonly isSuccess: boolean;
  /** Until inputs and models were there; null where the worker did not say. */
  readonly stageMs: number | null;
}

export interface ArrivalCount {
  readonly deploymentId: number;
  readonly jobs: number;
}

export interface StoredScaleDecision {
  readonly id: string;
  readonly decidedAt: Date;
  readonly snapshot: unknown;
  readonly decision: unknown;
}

export interface NewScaleDecision {
  readonly deploymentId: number;
  readonly snapshot: object;
  readonly decision: object;
}

/** Arrivals of ten minutes in all, for a deployment. */
export interface ArrivalBucket {
  readonly startsAt: Date;
  readonly jobs: number;
  readonly runMs: number;
}

/** What the scale loop and its commands need; every call is one bounded statement. */
export interface ScalingStore {
  /** Null ends the scaling of the deployment: it keeps the workers that it has. */
  set(deploymentId: number, settings: object | null): Promise<void>;
  list(): Promise<readonly ScalingRecord[]>;
  queues(deploymentIds: readonly number[]): Promise<readonly QueueObservation[]>;
  instances(deploymentIds: readonly number[]): Promise<readonly InstanceObservation[]>;
  /** Launches of the last hour, newest first, at most 2000. */
  launches(deploymentIds: readonly number[]): Promise<readonly LaunchObservation[]>;
  /** Attempts that ended after `since`, oldest first, at most 5000. */
  endedSince(since: Date): Promise<readonly EndedAttempt[]>;
  /** Jobs submitted since `since`. */
  arrivalsSince(since: Date): Promise<readonly ArrivalCount[]>;
  /** The database's clock. */
  now(): Promise<Date>;
  /**
   * Records an instance to be launched, unless the deployment has another number of instances than
   * `present` by now: then somebody else has launched meanwhile. False: nothing was recorded.
   */
  createInstance(
    instance: { readonly id: string; readonly deploymentId: number; readonly platform: string },
    present: number,
  ): Promise<boolean>;
  /** Keeps the newest 500 of each deployment. */
  recordDecision(decision: NewScaleDecision): Promise<void>;
  /** Newest first. */
  decisions(deploymentId: number, limit: number): Promise<readonly StoredScaleDecision[]>;
  remember(deploymentId: number, memory: object): Promise<void>;
  /** Adds up the arrivals of the last hours into buckets of ten minutes, and forgets old ones. */
  rollUpArrivals(): Promise<void>;
  /** Oldest first; buckets without jobs are left out. */
  arrivals(deploymentId: number, since: Date): Promise<readonly ArrivalBucket[]>;
}
