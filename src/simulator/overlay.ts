import type { SimJob, Workload } from "./sim-job.ts";

const hourSeconds = 3600;
const weekSeconds = 7 * 24 * hourSeconds;

/**
 * Lays copies of a workload over each other until the load is `copies` times its own. Each copy
 * has tenants of its own and is moved by whole weeks, so that people keep their days and hours,
 * and by up to an hour either way, so that no two copies act together. What leaves the end comes
 * in at the front. A fractional last copy keeps that share of its tenants.
 */
export function overlay(base: Workload, copies: number, random: () => number): Workload {
  const first = base.jobs[0]?.arrivalSeconds ?? 0;
  const last = base.jobs.at(-1)?.arrivalSeconds ?? 0;
  const weeks = Math.max(1, Math.ceil((last - first) / weekSeconds));
  const spanSeconds = weeks * weekSeconds;
  const jobs: SimJob[] = [];
  for (let copy = 0; copy < copies; copy++) {
    const shift = Math.floor(random() * weeks) * weekSeconds + (2 * random() - 1) * hourSeconds;
    const share = Math.min(1, copies - copy);
    const isIn = new Map<string, boolean>();
    for (const job of base.jobs) {
      const known = isIn.get(job.tenant) ?? random() < share;
      isIn.set(job.tenant, known);
      if (!known) continue;
      const offset = (job.arrivalSeconds - first + shift + spanSeconds) % spanSeconds;
      jobs.push({
        ...job,
        jobId: `${job.jobId}.${copy}`,
        tenant: `${job.tenant}.${copy}`,
        arrivalSeconds: first + offset,
      });
    }
  }
  jobs.sort((left, right) => left.arrivalSeconds - right.arrivalSeconds);
  return { name: `${base.name} x ${copies}`, jobs };
}
