import { seededRandom } from "../kernel/random.ts";
import { arrive } from "./arrivals.ts";
import { Cluster, type Dispatcher } from "./cluster.ts";
import { natureOf, noFaults, type Faults } from "./faults.ts";
import { Recorder, type Outcome } from "./outcome.ts";
import { agedSjf, fifo, fifoWarm, strictPriority } from "./policies/ordered.ts";
import { HearthDispatcher } from "./policies/hearth.ts";
import { defaultLoadModel, type LoadModel } from "./residency.ts";
import type { Workload } from "./sim-job.ts";
import { summarize, type Summary } from "./summary.ts";
import { Timeline } from "./timeline.ts";

export interface FixedFleet {
  readonly workers: number;
  readonly vramBytes: number;
  /** The cards, one a worker, where they are not all alike; then the two above do not count. */
  readonly cardsBytes?: readonly number[];
  readonly loads: LoadModel;
  /** From death to a new worker in its place. */
  readonly bootSeconds: number;
}

export const defaultFleet: FixedFleet = {
  workers: 16,
  vramBytes: 24 * 1024 ** 3,
  loads: defaultLoadModel,
  bootSeconds: 30,
};

interface FleetPolicy {
  readonly create: (loads: LoadModel) => Dispatcher;
  readonly freeLoads: boolean;
}

/** Policies by name. `zero-swap` loads for nothing: no placement can do better. */
export const fleetPolicies = {
  hearth: { create: (loads) => new HearthDispatcher(loads), freeLoads: false },
  fifo: { create: fifo, freeLoads: false },
  "fifo-warm": { create: fifoWarm, freeLoads: false },
  "strict-priority": { create: strictPriority, freeLoads: false },
  sjf: { create: () => agedSjf(), freeLoads: false },
  "zero-swap": { create: () => agedSjf("zero-swap"), freeLoads: true },
} as const satisfies Readonly<Record<string, FleetPolicy>>;

export type FleetPolicyName = keyof typeof fleetPolicies;

export interface FleetRun {
  readonly summary: Summary;
  readonly outcome: Outcome;
}

/** Runs a workload on a fleet that never grows or shrinks. The same seed gives the same run. */
export function simulateFixedFleet(
  workload: Workload,
  policy: FleetPolicyName,
  options: { readonly seed: number; readonly fleet?: FixedFleet; readonly faults?: Faults },
): FleetRun {
  const fleet = options.fleet ?? defaultFleet;
  const faults = options.faults ?? noFaults;
  const { create, freeLoads }: FleetPolicy = fleetPolicies[policy];
  const random = seededRandom(options.seed);
  const timeline = new Timeline(workload.jobs[0]?.arrivalSeconds ?? 0);
  const observer = new Recorder();
  const nature = natureOf(random, { faults, loads: fleet.loads, freeLoads });
  const cluster = new Cluster(timeline, { dispatcher: create(fleet.loads), nature, observer });
  const cards = cardsOf(fleet);
  for (const vramBytes of cards) cluster.join(vramBytes);
  arrive(timeline, workload.jobs, (job) => {
    cluster.submit(job);
  });
  letWorkersDie(timeline, cluster, {
    ...fleet,
    workers: cards.length,
    faults,
    random,
    untilSeconds: lastArrival(workload),
  });
  timeline.run();
  const { outcome } = observer;
  const run = { submitted: workload.jobs.length, workers: cards.length };
  return { outcome, summary: summarize(policy, outcome, run) };
}

/** The memory of each worker's card. */
export function cardsOf(fleet: FixedFleet): readonly number[] {
  return fleet.cardsBytes ?? Array.from({ length: fleet.workers }, () => fleet.vramBytes);
}

function lastArrival({ jobs }: Workload): number {
  return jobs.at(-1)?.arrivalSeconds ?? 0;
}

function letWorkersDie(
  timeline: Timeline,
  cluster: Cluster,
  chance: FixedFleet & {
    readonly faults: Faults;
    readonly random: () => number;
    readonly untilSeconds: number;
  },
): void {
  const perSecond = (chance.faults.deathsPerWorkerHour * chance.workers) / 3600;
  if (perSecond === 0) return;
  const scheduleDeath = (): void => {
    const inSeconds = -Math.log(1 - chance.random()) / perSecond;
    if (timeline.nowSeconds + inSeconds > chance.untilSeconds) return;
    timeline.after(inSeconds, () => {
      const victim = cluster.workers[Math.floor(chance.random() * cluster.workers.length)];
      if (victim !== undefined) {
        cluster.kill(victim);
        timeline.after(chance.bootSeconds, () => {
          cluster.join(victim.vramBytes);
        });
      }
      scheduleDeath();
    });
  };
  scheduleDeath();
}
