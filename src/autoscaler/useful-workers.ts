import type { ScaledWorker, WaitingJob } from "./snapshot.ts";

export interface Backlog {
  readonly nowMs: number;
  readonly jobs: readonly WaitingJob[];
  readonly workers: readonly ScaledWorker[];
  /** A job that can start within this time needs no worker of its own. */
  readonly patienceMs: number;
  /** From a launch to the first job's start. */
  readonly coldStartMs: number;
}

export interface UsefulWorkers {
  /** Jobs that would have to wait for longer than the patience. */
  readonly lateJobs: number;
  /** Workers under way that late jobs are left to. */
  readonly usedBooting: number;
  /** New workers that would start some job sooner than the fleet could. */
  readonly newWorkers: number;
  /** When the last of the jobs would start, without new workers. */
  readonly lastStartInMs: number;
}

/**
 * Schedules the queue, in its order, over the times at which workers become free. A job that would
 * wait too long takes a worker that is booting already or else counts as a new one; what a new
 * worker starts is taken from the queue, so nothing is bought that would come after the work is
 * gone.
 */
export function countUsefulWorkers(backlog: Backlog): UsefulWorkers {
  const { nowMs, jobs, workers, patienceMs } = backlog;
  const serving = workers.filter(({ state }) => state === "idle" || state === "busy");
  const slots = serving.map((worker) => ({
    freeAtMs: Math.max(nowMs, worker.freeAtMs),
    modelSets: new Set(worker.modelSets),
  }));
  const bootingMs = workers
    .filter(({ state }) => state === "booting")
    .map(({ freeAtMs }) => Math.max(nowMs, freeAtMs))
    .toSorted((left, right) => left - right);
  let [lateJobs, usedBooting, newWorkers, lastStartMs] = [0, 0, 0, nowMs];
  for (const job of jobs) {
    const { slot, freeAtMs } = earliest(slots, job);
    if (slot !== undefined && freeAtMs <= nowMs + patienceMs) {
      lastStartMs = Math.max(lastStartMs, slot.freeAtMs);
      occupy(slot, job, slot.freeAtMs);
      continue;
    }
    lateJobs++;
    const bootingUntilMs = bootingMs[usedBooting];
    const readyMs = bootingUntilMs ?? nowMs + backlog.coldStartMs - job.loadMs;
    if (bootingUntilMs === undefined) newWorkers++;
    else usedBooting++;
    lastStartMs = Math.max(lastStartMs, slot?.freeAtMs ?? readyMs);
    const added = { freeAtMs: readyMs, modelSets: new Set<string>() };
    occupy(added, job, readyMs);
    slots.push(added);
  }
  return { lateJobs, usedBooting, newWorkers, lastStartInMs: lastStartMs - nowMs };
}

interface Slot {
  freeAtMs: number;
  readonly modelSets: Set<string>;
}

/**
 * Where the job would run first, its load included; and when some worker is free, be it another:
 * a job that rather waits for its models than for a load has no need of a new worker.
 */
function earliest(
  slots: readonly Slot[],
  job: WaitingJob,
): { readonly slot: Slot | undefined; readonly freeAtMs: number } {
  let slot: Slot | undefined;
  let [runsAtMs, freeAtMs] = [Infinity, Infinity];
  for (const other of slots) {
    const otherMs = other.freeAtMs + (other.modelSets.has(job.modelSet) ? 0 : job.loadMs);
    if (otherMs < runsAtMs) [slot, runsAtMs] = [other, otherMs];
    freeAtMs = Math.min(freeAtMs, other.freeAtMs);
  }
  return { slot, freeAtMs };
}

function occupy(slot: Slot, job: WaitingJob, startsAtMs: number): void {
  const loadMs = slot.modelSets.has(job.modelSet) ? 0 : job.loadMs;
  slot.freeAtMs = startsAtMs + loadMs + job.runMs;
  slot.modelSets.add(job.modelSet);
}
