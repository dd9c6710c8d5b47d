import type { SimJob, Workload } from "./sim-job.ts";
import { drawFactor } from "./statistics.ts";

export interface FloodOptions {
  readonly tenants: number;
  readonly workers: number;
  readonly hours: number;
  /** What each tenant asks for, in parts of its equal share of the fleet. */
  readonly demand: number;
  /** What the first tenant asks for instead; leave it at `demand` for a quiet fleet. */
  readonly floodDemand: number;
  readonly random: () => number;
}

const meanSeconds = 18;
const models = 12;
const gibibyte = 1024 ** 3;

/** Tenants with equal shares that ask evenly, and one that may ask for more than its own. */
export function floodWorkload(options: FloodOptions): Workload {
  const { random, tenants } = options;
  const shareJobsPerSecond = options.workers / tenants / meanSeconds;
  const jobs: SimJob[] = [];
  for (let tenant = 0; tenant < tenants; tenant++) {
    const demand = tenant === 0 ? options.floodDemand : options.demand;
    const gapSeconds = 1 / (demand * shareJobsPerSecond);
    const next = (): number => -gapSeconds * Math.log(1 - random());
    for (let at = next(); at < options.hours * 3600; at += next()) {
      const model = `m${Math.floor(models * random() ** 2)}`;
      jobs.push({
        jobId: `${tenant}.${jobs.length}`,
        arrivalSeconds: at,
        tenant: `t${tenant}`,
        model,
        priority: "normal",
        warmSeconds: meanSeconds * drawFactor(random, 0.5),
        kind: model,
        vramBytes: 12 * gibibyte,
        deadlineSeconds: null,
      });
    }
  }
  jobs.sort((left, right) => left.arrivalSeconds - right.arrivalSeconds);
  return { name: "flood", jobs };
}
