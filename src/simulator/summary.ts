import type { Outcome } from "./outcome.ts";
import { jainIndex, quantile } from "./statistics.ts";

/** A job counts as served in time when its result is there within this of its arrival. */
const goalSeconds = 60;

/** The figures of one run. docs/simulation.md defines each. */
export interface Summary {
  readonly policy: string;
  readonly jobs: number;
  /** Share of all jobs with the result within 60 s of arrival; what never ended counts against. */
  readonly withinGoal: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
  readonly p99Seconds: number;
  readonly maxWaitSeconds: number;
  readonly swapsPer1000: number;
  readonly busyHours: number;
  /** Share of the workers' time from first arrival to last result that they were busy. */
  readonly utilisation: number;
  /** Over tenants with at least ten jobs: how evenly their shares within 60 s are spread. */
  readonly jain: number;
  readonly attemptsLost: number;
}

export function summarize(
  policy: string,
  outcome: Outcome,
  run: { readonly submitted: number; readonly workers: number },
): Summary {
  const latencies = outcome.jobs.map((job) => job.latencySeconds).sort((a, b) => a - b);
  const within = latencies.filter((seconds) => seconds <= goalSeconds).length;
  return {
    policy,
    jobs: outcome.jobs.length,
    withinGoal: within / Math.max(1, run.submitted),
    p50Seconds: quantile(latencies, 0.5),
    p95Seconds: quantile(latencies, 0.95),
    p99Seconds: quantile(latencies, 0.99),
    maxWaitSeconds: outcome.jobs.reduce((most, job) => Math.max(most, job.waitSeconds), 0),
    swapsPer1000: (1000 * outcome.swaps) / Math.max(1, run.submitted),
    busyHours: outcome.busySeconds / 3600,
    utilisation: outcome.busySeconds / (run.workers * spanSeconds(outcome)),
    jain: jainIndex(sharesByTenant(outcome)),
    attemptsLost: outcome.attemptsLost,
  };
}

function spanSeconds(outcome: Outcome): number {
  let [first, last] = [Infinity, 0];
  for (const { job, latencySeconds } of outcome.jobs) {
    first = Math.min(first, job.arrivalSeconds);
    last = Math.max(last, job.arrivalSeconds + latencySeconds);
  }
  return Math.max(1, last - first);
}

const fewestJobs = 10;

function sharesByTenant(outcome: Outcome): readonly number[] {
  const tenants = new Map<string, { jobs: number; within: number }>();
  for (const { job, latencySeconds } of outcome.jobs) {
    const tenant = tenants.get(job.tenant) ?? { jobs: 0, within: 0 };
    tenant.jobs++;
    if (latencySeconds <= goalSeconds) tenant.within++;
    tenants.set(job.tenant, tenant);
  }
  const counted = [...tenants.values()].filter(({ jobs }) => jobs >= fewestJobs);
  return counted.map(({ jobs, within }) => within / jobs);
}
