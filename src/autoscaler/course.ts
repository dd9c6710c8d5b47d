import type { Purpose } from "./choose-offer.ts";
import type { ScaleSnapshot } from "./snapshot.ts";
import { courseOf, type Course } from "./thrift.ts";

/** How the policy acts right now: its strategy, moved by thresholds and by its goal. */
export interface ActingCourse extends Course {
  readonly purpose: Purpose;
  /** At least so many workers, because of a hurry; 0 otherwise. */
  readonly surgeWorkers: number;
  /** How many like jobs a worker should take in one go. */
  readonly batch: number;
  readonly reason: string | null;
}

const hurrying: Course = { patienceShare: 0.25, coldStartMicroUsd: 75_000 };
const thrifty: Course = { patienceShare: 1, coldStartMicroUsd: 0 };

/** Thresholds first: a critical backlog hurries, then a dear job saves, else the normal course. */
export function actingCourse(snapshot: ScaleSnapshot): ActingCourse {
  const { policy, queue, demand } = snapshot;
  const { thresholds } = policy;
  const normal = courseOf(policy, demand.thrift);
  const hurry = hurryReason(snapshot);
  if (hurry !== null) {
    const { hurryJobsPerWorker, hurryMaxWorkers } = thresholds;
    const surge = Math.floor(queue.queued / hurryJobsPerWorker);
    return {
      patienceShare: Math.min(normal.patienceShare, hurrying.patienceShare),
      coldStartMicroUsd: Math.max(normal.coldStartMicroUsd, hurrying.coldStartMicroUsd),
      purpose: "hurry",
      surgeWorkers: Math.min(surge, hurryMaxWorkers),
      batch: 1,
      reason: hurry,
    };
  }
  const { saveAboveMicroUsd, savingBatch } = thresholds;
  const cost = demand.microUsdPerJob;
  if (saveAboveMicroUsd !== null && cost !== null && cost > saveAboveMicroUsd) {
    const reason = `a job costs ${cost} micro-dollars, more than ${saveAboveMicroUsd}`;
    return { ...thrifty, purpose: "saving", surgeWorkers: 0, batch: savingBatch, reason };
  }
  const hasIdleBase = snapshot.workers.some(({ state }) => state !== "draining");
  const purpose = policy.strategy === "cost-first" || !hasIdleBase ? "base" : "overflow";
  return { ...normal, purpose, surgeWorkers: 0, batch: 1, reason: null };
}

function hurryReason({ policy, queue, demand }: ScaleSnapshot): string | null {
  const { hurryAboveQueued, hurryAboveLatencyMs } = policy.thresholds;
  if (hurryAboveQueued !== null && queue.queued > hurryAboveQueued) {
    return `${queue.queued} jobs wait, more than ${hurryAboveQueued}`;
  }
  const latencyMs = demand.p95LatencyMs;
  const isLate = hurryAboveLatencyMs !== null && latencyMs !== null;
  if (isLate && queue.queued > 0 && latencyMs > hurryAboveLatencyMs) {
    return `jobs take ${latencyMs} ms, more than ${hurryAboveLatencyMs} ms`;
  }
  return null;
}
