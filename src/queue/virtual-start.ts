import { classDelaySeconds, type JobPriority } from "./queue-key.ts";

/** The clock of a queue. It never stands behind the wall clock and never goes back. */
export interface VirtualClock {
  readonly nowSeconds: number;
  /** The largest start tag that was ever claimed from this queue. */
  readonly claimedTagSeconds: number;
}

/** What a tenant is owed, beside all tenants that have work in the queue now. */
export interface TenantShare {
  readonly weight: number;
  /** Sum of the weights of the tenants with queued or running work, this one included. */
  readonly activeWeight: number;
  /** Workers that serve the queue. */
  readonly workers: number;
}

export interface KeyPolicy {
  /** β: how much a second of expected run time counts against a job. */
  readonly runWeight: number;
  /** γ: how much a second of loading counts against a job. */
  readonly loadWeight: number;
  /** Kept between the expected end and the deadline. */
  readonly deadlineMarginSeconds: number;
  /** Seconds past its start tag after which a job of the class joins the overdue lane. */
  readonly overdueAfterSeconds: Readonly<Record<JobPriority, number>>;
}

export const defaultKeyPolicy: KeyPolicy = {
  runWeight: 1,
  loadWeight: 10,
  deadlineMarginSeconds: 2,
  overdueAfterSeconds: { low: 900, normal: 300, high: 120, critical: 60 },
};

/** What the key of a job is made from, all of it known when the job is submitted. */
export interface KeyInput {
  readonly startTagSeconds: number;
  readonly nowSeconds: number;
  readonly priority: JobPriority;
  readonly estimateSeconds: number;
  /** To load everything the job needs where nothing of it is resident. */
  readonly coldLoadSeconds: number;
  /** When the caller wants the result, on the same clock; null for whenever. */
  readonly deadlineSeconds: number | null;
}

/** Fixed at submit and kept across retries, so that waiting helps and nothing is sorted again. */
export interface QueueKeys {
  /** `v`: the order among jobs whose models are resident. */
  readonly keySeconds: number;
  /** `v'`: the order among jobs that must load everything. */
  readonly coldKeySeconds: number;
  /** When the job joins the overdue lane. */
  readonly overdueAtSeconds: number;
}

/**
 * How far a tenant that was away may start behind one that floods. It makes up for what affinity
 * and class delays give to the flood, and bounds what being away is worth.
 */
export const creditSeconds = 300;

/**
 * When the tenant's fair share would start the job: now, unless the tenant has work ahead. A
 * tenant that floods pushes its own tags into the future, and nobody else's.
 */
export function startTag(clock: VirtualClock, tenantFinishSeconds: number): number {
  const { nowSeconds, claimedTagSeconds } = clock;
  return Math.max(nowSeconds, claimedTagSeconds - creditSeconds, tenantFinishSeconds);
}

/** The tenant's new finish tag: its next job may not start before this one used up its share. */
export function finishTag(
  startTagSeconds: number,
  estimateSeconds: number,
  share: TenantShare,
): number {
  return startTagSeconds + estimateSeconds / shareOfFleet(share);
}

/** The finish tag once a job turned out longer or shorter than it was charged for. */
export function correctedFinishTag(
  finishTagSeconds: number,
  job: { readonly estimateSeconds: number; readonly actualSeconds: number },
  share: TenantShare,
): number {
  return finishTagSeconds + (job.actualSeconds - job.estimateSeconds) / shareOfFleet(share);
}

/** The workers' worth of service that the tenant may count on, at least a hundredth of one. */
function shareOfFleet({ weight, activeWeight, workers }: TenantShare): number {
  const fraction = weight / Math.max(weight, activeWeight);
  return Math.max(0.01, fraction * Math.max(1, workers));
}

export function queueKeys(input: KeyInput, policy: KeyPolicy = defaultKeyPolicy): QueueKeys {
  const { startTagSeconds, estimateSeconds } = input;
  const keySeconds =
    startTagSeconds + allowedDelaySeconds(input, policy) + policy.runWeight * estimateSeconds;
  return {
    keySeconds,
    coldKeySeconds: keySeconds + policy.loadWeight * input.coldLoadSeconds,
    overdueAtSeconds: startTagSeconds + policy.overdueAfterSeconds[input.priority],
  };
}

/** The delay of the class, less where the deadline leaves less. */
function allowedDelaySeconds(input: KeyInput, policy: KeyPolicy): number {
  const classDelay = classDelaySeconds[input.priority];
  if (input.deadlineSeconds === null) return classDelay;
  const slack =
    input.deadlineSeconds - input.nowSeconds - input.estimateSeconds - policy.deadlineMarginSeconds;
  return Math.max(0, Math.min(classDelay, slack));
}
