import { policyOf } from "./policy.ts";
import type { DemandView, OfferView, ScaledWorker, ScaleSnapshot, WaitingJob } from "./snapshot.ts";

/** Examples for the tests of this folder: one hour of the offer costs $1.10. */
export const offer: OfferView = {
  id: "cloud/rtx-4090/any",
  microUsdPerHour: 1_100_000,
  bootMs: 30_000,
  slowness: 1,
  isSpot: false,
  lossesPerHour: 0,
  quotaLeft: null,
  notBeforeMs: null,
};

export const demand: DemandView = {
  jobsPerSecond: 0.1,
  dispersion: 1,
  meanRunMs: 18_000,
  meanLoadMs: 22_000,
  loadShare: 0.1,
  loadsWhileBooting: false,
  microUsdPerJob: null,
  p95LatencyMs: null,
  thrift: null,
  gapsMs: [],
};

export const nowMs = 1_000_000;

export function snapshotOf(change: Partial<ScaleSnapshot> = {}): ScaleSnapshot {
  const head = change.queue?.head ?? [];
  return {
    nowMs,
    policy: policyOf("balanced"),
    bounds: { minWorkers: 0, maxWorkers: 20 },
    queue: { queued: head.length, head },
    workers: [],
    offers: [offer],
    demand,
    floors: [],
    lastLaunchAtMs: null,
    launchedInLastMinute: 0,
    hourlyBudgetMicroUsd: null,
    ...change,
  };
}

export function jobs(count: number, change: Partial<WaitingJob> = {}): readonly WaitingJob[] {
  const job = { modelSet: "m", runMs: 18_000, loadMs: 22_000, ...change };
  return Array.from({ length: count }, () => job);
}

export function queueOf(count: number): ScaleSnapshot["queue"] {
  return { queued: count, head: jobs(count) };
}

export function worker(id: string, change: Partial<ScaledWorker> = {}): ScaledWorker {
  return {
    id,
    offer: offer.id,
    state: "idle",
    freeAtMs: nowMs,
    idleSinceMs: change.state === undefined || change.state === "idle" ? nowMs - 1_000 : null,
    modelSets: ["m"],
    ...change,
  };
}
