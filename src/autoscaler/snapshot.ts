import type { ScalingPolicy } from "./policy.ts";

/**
 * All that a scaling decision about one deployment goes by: plain data, so that it can be stored
 * with the decision and decided again. Times are milliseconds on the controller's clock.
 */
export interface ScaleSnapshot {
  readonly nowMs: number;
  readonly policy: ScalingPolicy;
  readonly bounds: WorkerBounds;
  readonly queue: QueueView;
  readonly workers: readonly ScaledWorker[];
  /** Where workers can be had. */
  readonly offers: readonly OfferView[];
  readonly demand: DemandView;
  /** Workers that schedules and forecasts want ready now, each with its reason. */
  readonly floors: readonly WorkerFloor[];
  readonly lastLaunchAtMs: number | null;
  /** Launches of the last minute: what the bound on growth counts. */
  readonly launchedInLastMinute: number;
  /** What may still be spent on workers in an hour, in micro-dollars; null without a budget. */
  readonly hourlyBudgetMicroUsd: number | null;
}

export interface WorkerBounds {
  readonly minWorkers: number;
  readonly maxWorkers: number;
}

export interface QueueView {
  readonly queued: number;
  /** The first jobs in the order in which they will run, at most 200; the rest counts by its number. */
  readonly head: readonly WaitingJob[];
}

export interface WaitingJob {
  /** Id of its set of models; "" for none. */
  readonly modelSet: string;
  readonly runMs: number;
  /** To load its models where nothing of them is resident. */
  readonly loadMs: number;
}

export type WorkerState = "booting" | "idle" | "busy" | "draining";

export interface ScaledWorker {
  readonly id: string;
  readonly offer: string;
  readonly state: WorkerState;
  /** When it is expected to take its next job; the past for an idle one. */
  readonly freeAtMs: number;
  /** Since when it has had nothing to do; null unless idle. */
  readonly idleSinceMs: number | null;
  /** Sets of models it has loaded. */
  readonly modelSets: readonly string[];
}

/** A GPU on a platform in a region at a price, and what is known of getting it. */
export interface OfferView {
  readonly id: string;
  readonly microUsdPerHour: number;
  /** From the launch to a worker that can take a job. */
  readonly bootMs: number;
  /** Run time relative to the others; 1 is as estimated. */
  readonly slowness: number;
  readonly isSpot: boolean;
  /** Losses an hour of one worker; 0 on demand. */
  readonly lossesPerHour: number;
  /** How many more may be launched; null where no quota is known. */
  readonly quotaLeft: number | null;
  /** After failed launches none is tried before this. */
  readonly notBeforeMs: number | null;
}

/** What has been asked of the deployment lately. */
export interface DemandView {
  readonly jobsPerSecond: number;
  /** Variance over mean of the arrivals a minute: 1 for independent callers, more for bursts. */
  readonly dispersion: number;
  readonly meanRunMs: number;
  /** To load a set of models from disk. */
  readonly meanLoadMs: number;
  /** Share of the jobs that load their models first. */
  readonly loadShare: number;
  /** Whether weights are fetched while a worker still boots. */
  readonly loadsWhileBooting: boolean;
  /** Cost of a recent job, all-in; null until there is one. */
  readonly microUsdPerJob: number | null;
  readonly p95LatencyMs: number | null;
  /** How thrifty the policy has become while it held its goal: 0 spends, 1 saves; null without. */
  readonly thrift: number | null;
  /** Times without work between two jobs that could have shared a worker, in milliseconds. */
  readonly gapsMs: readonly number[];
}

export interface WorkerFloor {
  readonly workers: number;
  readonly reason: string;
}
