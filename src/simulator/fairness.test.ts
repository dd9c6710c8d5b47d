import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { seededRandom } from "../kernel/random.ts";
import { jobPriorities } from "../queue/queue-key.ts";
import type { QueuedJob } from "../scheduler/head.ts";
import { defaultPolicy } from "../scheduler/policy.ts";
import { arrive } from "./arrivals.ts";
import { Cluster } from "./cluster.ts";
import { natureOf } from "./faults.ts";
import { simulateFixedFleet } from "./fixed-fleet.ts";
import { floodWorkload } from "./flood.ts";
import { HearthDispatcher } from "./policies/hearth.ts";
import { defaultLoadModel } from "./residency.ts";
import type { SimJob } from "./sim-job.ts";
import { quantile } from "./statistics.ts";
import { Timeline } from "./timeline.ts";

describe("a tenant that floods", () => {
  const options = { tenants: 10, workers: 16, hours: 4, demand: 0.8 };
  const othersP95 = (seed: number, floodDemand: number) => {
    const workload = floodWorkload({ ...options, floodDemand, random: seededRandom(seed) });
    const { outcome } = simulateFixedFleet(workload, "hearth", { seed });
    const others = outcome.jobs.filter(({ job }) => job.tenant !== "t0");
    const sorted = (values: number[]) => values.sort((left, right) => left - right);
    return {
      waitSeconds: quantile(sorted(others.map((job) => job.waitSeconds)), 0.95),
      latencySeconds: quantile(sorted(others.map((job) => job.latencySeconds)), 0.95),
    };
  };
  it.each([1, 2, 3])(
    "at ten times its share makes the others wait at most half as long again (seed %i)",
    (seed) => {
      const [quiet, flooded] = [othersP95(seed, 0.8), othersP95(seed, 10)];
      expect(flooded.waitSeconds / quiet.waitSeconds).toBeLessThanOrEqual(1.5);
      expect(flooded.latencySeconds / quiet.latencySeconds).toBeLessThanOrEqual(1.5);
    },
  );
});

interface Waited {
  readonly queued: QueuedJob;
  readonly startedAtSeconds: number;
}

/** Runs jobs on a small fleet and tells when each started first. */
function startsOf(jobs: readonly SimJob[], workers: number): readonly Waited[] {
  const queued = new Map<string, QueuedJob>();
  const starts = new Map<string, number>();
  const timeline = new Timeline();
  const cluster = new Cluster(timeline, {
    dispatcher: new HearthDispatcher(defaultLoadModel, {
      watch: (job) => queued.set(job.jobId, job),
    }),
    nature: { ...natureOf(seededRandom(1), {}), drawLoadFactor: () => 1 },
    observer: { started: ({ job, atSeconds }) => starts.set(job.jobId, atSeconds) },
  });
  for (let worker = 0; worker < workers; worker++) cluster.join(24 * 1024 ** 3);
  arrive(timeline, jobs, (job) => {
    cluster.submit(job);
  });
  timeline.run();
  return [...queued].map(([jobId, job]) => ({
    queued: job,
    startedAtSeconds: starts.get(jobId) ?? Infinity,
  }));
}

/**
 * The proven bound. A job is overdue at its start tag plus the age of its class. From then on every
 * worker serves the lane once in `overdueEvery` claims, each of which takes at most one load and
 * one run, and the lane is first come, first served.
 */
function latestStartSeconds(
  job: Waited,
  all: readonly Waited[],
  fleet: { readonly workers: number; readonly longestSeconds: number },
): number {
  const { overdueAtSeconds } = job.queued;
  const ahead = all.filter(
    (other) =>
      other !== job &&
      other.queued.overdueAtSeconds <= overdueAtSeconds &&
      other.startedAtSeconds > overdueAtSeconds,
  ).length;
  const turns = Math.ceil((ahead + 1) / fleet.workers);
  return overdueAtSeconds + turns * defaultPolicy.overdueEvery * fleet.longestSeconds;
}

interface Attack {
  readonly workers: number;
  readonly seed: number;
  readonly overload: number;
  readonly newTenants: boolean;
  readonly pingPong: boolean;
  readonly dominoes: boolean;
  readonly runSeconds: number;
  readonly victims: readonly {
    readonly atSeconds: number;
    readonly priority: SimJob["priority"];
    readonly model: string;
    readonly runSeconds: number;
  }[];
}

describe("no job starves", () => {
  const loadSeconds = defaultLoadModel.diskSeconds;
  const attack = fc.record({
    workers: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(),
    /** How much more the attackers ask for than the fleet can do. */
    overload: fc.double({ min: 1, max: 4, noNaN: true }),
    /** New tenants join for ever, or a few take turns. */
    newTenants: fc.boolean(),
    /** Attackers swing between two models, or all stay with one that is loaded. */
    pingPong: fc.boolean(),
    /** Attackers are urgent, and each has a deadline just ahead of the one before. */
    dominoes: fc.boolean(),
    runSeconds: fc.integer({ min: 2, max: 30 }),
    victims: fc.array(
      fc.record({
        atSeconds: fc.nat(600),
        priority: fc.constantFrom(...jobPriorities),
        model: fc.constantFrom("rare-1", "rare-2", "m0"),
        runSeconds: fc.integer({ min: 1, max: 30 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  });
  const jobOf = (
    part: Pick<SimJob, "jobId" | "arrivalSeconds" | "tenant" | "model" | "warmSeconds"> &
      Partial<SimJob>,
  ): SimJob => ({
    priority: "normal",
    kind: part.model,
    vramBytes: 12 * 1024 ** 3,
    deadlineSeconds: null,
    ...part,
  });
  const jobsOf = (drawn: Attack): SimJob[] => {
    const random = seededRandom(drawn.seed);
    const gapSeconds = drawn.runSeconds / drawn.workers / drawn.overload;
    const jobs: SimJob[] = [];
    for (let at = 0, number = 0; at < 1800 && number < 3000; number++) {
      jobs.push(
        jobOf({
          jobId: `a${number}`,
          arrivalSeconds: at,
          tenant: drawn.newTenants ? `new${number}` : `t${number % 3}`,
          model: drawn.pingPong ? `m${number % 2}` : "m0",
          warmSeconds: drawn.runSeconds,
          priority: drawn.dominoes ? "critical" : "normal",
          deadlineSeconds: drawn.dominoes ? at + 120 - number / 1000 : null,
        }),
      );
      at += gapSeconds * (0.5 + random());
    }
    for (const [number, victim] of drawn.victims.entries()) {
      jobs.push(
        jobOf({
          jobId: `v${number}`,
          arrivalSeconds: victim.atSeconds,
          tenant: "victim",
          model: victim.model,
          warmSeconds: victim.runSeconds,
          priority: victim.priority,
        }),
      );
    }
    return jobs.sort((left, right) => left.arrivalSeconds - right.arrivalSeconds);
  };
  it("beyond the proven bound, whoever joins, whatever swings, however urgent the others are", () => {
    fc.assert(
      fc.property(attack, (drawn) => {
        const starts = startsOf(jobsOf(drawn), drawn.workers);
        const fleet = { workers: drawn.workers, longestSeconds: 30 + loadSeconds };
        for (const job of starts) {
          const latest = latestStartSeconds(job, starts, fleet);
          expect(job.startedAtSeconds).toBeLessThanOrEqual(latest);
        }
      }),
      { numRuns: 60 },
    );
  });
});
