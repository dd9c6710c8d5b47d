import type { KpiSummary } from "../observability/kpi.ts";

/** Everything that was paid for in one span of time: instances, and workers without one. */
export interface PaidUnit {
  readonly id: string;
  readonly deploymentId: number;
  readonly startedAt: Date;
  /** Null while it is there. */
  readonly endedAt: Date | null;
  /** Null: no price is known. */
  readonly priceMicroUsdPerHour: number | null;
}

export interface UsageAttempt {
  readonly jobId: string;
  readonly epoch: number;
  readonly unitId: string;
  readonly deploymentId: number;
  readonly modelSet: number;
  readonly submittedAt: Date;
  /** When the attempt before it ended; null of a first one. */
  readonly requeuedAt: Date | null;
  readonly claimedAt: Date;
  readonly endedAt: Date | null;
  readonly state: string;
  readonly failureClass: string | null;
  readonly timings: Readonly<Record<string, unknown>> | null;
  readonly peakVramBytes: number | null;
}

/** What an hour of a deployment's model set cost, by cause, in micro-dollars. */
export interface UsageCosts {
  readonly runMicroUsd: number;
  readonly loadMicroUsd: number;
  readonly startMicroUsd: number;
  readonly idleMicroUsd: number;
}

export interface UsageSummary extends KpiSummary {
  readonly costs: UsageCosts;
  readonly attempts: number;
  readonly succeeded: number;
  /** Time paid for, and of that the time in which something ran. */
  readonly paidMs: number;
  readonly busyMs: number;
}

export interface UsageHour {
  readonly deploymentId: number;
  readonly hour: Date;
  readonly modelSet: number;
  readonly summary: UsageSummary;
}

export interface UsageRow extends UsageHour {
  readonly deployment: string;
  readonly tenant: string;
  /** Keys of the models; empty: none. */
  readonly models: readonly string[];
}

export interface UsageQuery {
  readonly from: Date;
  readonly to: Date;
  readonly deploymentId?: number;
  readonly tenantId?: number;
}

/** What the bookkeeping of hours needs. */
export interface UsageStore {
  /** Where to go on: the first hour that is not final; null before the first pass. */
  finalBefore(): Promise<Date | null>;
  units(from: Date, to: Date, limit: number): Promise<readonly PaidUnit[]>;
  /** Attempts that ran in the span, or whose end an hour before it may explain its idle time. */
  attempts(from: Date, to: Date, limit: number): Promise<readonly UsageAttempt[]>;
  /** Replaces an hour; `isFinal`: it will not be asked for again. */
  saveHour(hour: Date, rows: readonly UsageHour[], isFinal: boolean): Promise<void>;
  /** Hours that begin within the span, oldest first. */
  hours(query: UsageQuery): Promise<readonly UsageRow[]>;
  /** Deletes hours older than this. */
  forgetBefore(hour: Date): Promise<void>;
}
