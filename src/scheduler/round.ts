import { decide, type Decision } from "./decide.ts";
import type { FleetView, Head, QueuedJob, WorkerView } from "./head.ts";
import type { SchedulingPolicy } from "./policy.ts";

/** A worker that waits for a job. */
export interface RoundWorker extends WorkerView {
  /** Seconds to load each model set on it; sets that are not here need no loading. */
  readonly loadSeconds: Readonly<Record<string, number>>;
  /** Sets of which it has something in memory already, cheapest first. */
  readonly residentSets: readonly string[];
}

/** Any worker of the pool that holds model sets in VRAM. */
export interface WarmWorker {
  readonly workerId: string;
  readonly modelSets: readonly string[];
  /** Until it is expected to be free; 0 for an idle one. */
  readonly freeInSeconds: number;
  /** What it can make free for one job: for a larger one it is no warm worker. */
  readonly vramBytes: number;
}

/** Everything that one round of decisions looks at: plain data, stored and replayed. */
export interface RoundInput {
  readonly nowSeconds: number;
  readonly policy: SchedulingPolicy;
  /** In the order in which they choose. */
  readonly workers: readonly RoundWorker[];
  /** The first jobs of each set by `v`. */
  readonly bySet: Readonly<Record<string, readonly QueuedJob[]>>;
  /** The first jobs of each VRAM class by `v'`. */
  readonly byClass: readonly (readonly QueuedJob[])[];
  readonly overdue: readonly QueuedJob[];
  readonly fleet: readonly WarmWorker[];
  /** Expected run time of all that is queued, by model set. */
  readonly backlogSeconds: Readonly<Record<string, number>>;
}

/** Whether stored data is the input of a round as this version writes it. */
export function isRoundInput(value: object): value is RoundInput {
  const parts = ["nowSeconds", "policy", "workers", "bySet", "byClass", "overdue", "fleet"];
  return parts.every((part) => Object.hasOwn(value, part));
}

export interface RoundDecision {
  readonly workerId: string;
  readonly decision: Decision;
  /** What the worker saw of the fleet. */
  readonly fleet: FleetView;
}

/** Cold sets that a worker looks at in each VRAM class: one may wait for a warm worker. */
const coldSetsPerClass = 4;

/**
 * Decides for one worker after the other; what one takes, the next no longer sees. The same input
 * always leads to the same decisions, so a stored round can be replayed.
 */
export function decideRound(input: RoundInput): readonly RoundDecision[] {
  const { nowSeconds, policy } = input;
  const state = new RoundState(input);
  return input.workers.map((worker) => {
    const heads = headsFor(worker, input, state.taken);
    const fleet = state.view(heads);
    const decision = decide(worker, heads, fleet, { nowSeconds, policy });
    const [best] = decision.ranked;
    if (decision.choice.kind === "run" && best !== undefined) state.take(worker, best.head);
    return { workerId: worker.workerId, decision, fleet };
  });
}

type Holder = Pick<WarmWorker, "freeInSeconds" | "vramBytes">;

/** What the round has changed so far. */
class RoundState {
  readonly taken = new Set<string>();
  private readonly holders = new Map<string, Map<string, Holder>>();
  private readonly backlogSeconds: Map<string, number>;

  constructor(input: RoundInput) {
    for (const { workerId, modelSets, ...holder } of input.fleet) {
      for (const modelSet of modelSets) this.hold(modelSet, workerId, holder);
    }
    this.backlogSeconds = new Map(Object.entries(input.backlogSeconds));
  }

  take(worker: RoundWorker, { job, loadSeconds }: Head): void {
    this.taken.add(job.jobId);
    const busySeconds = loadSeconds + job.estimateSeconds;
    for (const holders of this.holders.values()) {
      const holder = holders.get(worker.workerId);
      if (holder === undefined) continue;
      const freeInSeconds = holder.freeInSeconds + busySeconds;
      holders.set(worker.workerId, { ...holder, freeInSeconds });
    }
    const isKnown = this.holders.get(job.modelSet)?.has(worker.workerId) === true;
    const { vramBytes } = worker;
    const holder = { freeInSeconds: busySeconds, vramBytes };
    if (!isKnown) this.hold(job.modelSet, worker.workerId, holder);
    const backlog = this.backlogSeconds.get(job.modelSet) ?? 0;
    this.backlogSeconds.set(job.modelSet, Math.max(0, backlog - job.estimateSeconds));
  }

  view(heads: readonly Head[]): FleetView {
    const neededBytes = new Map<string, number>();
    for (const { job } of heads) {
      const most = Math.max(job.vramBytes, neededBytes.get(job.modelSet) ?? 0);
      neededBytes.set(job.modelSet, most);
    }
    return Object.fromEntries(
      [...neededBytes].flatMap(([modelSet, bytes]) => {
        const holders = [...(this.holders.get(modelSet)?.values() ?? [])];
        const able = holders.filter(({ vramBytes }) => vramBytes >= bytes);
        const waits = able.map(({ freeInSeconds }) => freeInSeconds);
        if (waits.length === 0) return [];
        const warmInSeconds = Math.min(...waits);
        const backlogSeconds = this.backlogSeconds.get(modelSet) ?? 0;
        return [[modelSet, { warmWorkers: waits.length, warmInSeconds, backlogSeconds }]];
      }),
    );
  }

  private hold(modelSet: string, workerId: string, holder: Holder): void {
    const holders = this.holders.get(modelSet) ?? new Map<string, Holder>();
    holders.set(workerId, holder);
    this.holders.set(modelSet, holders);
  }
}

/** At most one head a set: of what the worker has, then of what it would load, then the overdue. */
function headsFor(
  worker: RoundWorker,
  input: RoundInput,
  taken: ReadonlySet<string>,
): readonly Head[] {
  const heads = new Map<string, Head>();
  const isFree = (job: QueuedJob): boolean =>
    !taken.has(job.jobId) && job.vramBytes <= worker.vramBytes;
  const add = (lane: Head["lane"], job: QueuedJob | undefined): void => {
    if (job === undefined || heads.has(job.modelSet)) return;
    heads.set(job.modelSet, { job, lane, loadSeconds: worker.loadSeconds[job.modelSet] ?? 0 });
  };
  for (const modelSet of worker.residentSets) {
    add("resident", input.bySet[modelSet]?.find(isFree));
  }
  for (const jobs of input.byClass) {
    const before = heads.size;
    for (const job of jobs) {
      if (heads.size - before >= coldSetsPerClass) break;
      if (isFree(job)) add("cold", job);
    }
  }
  // Sets that the classes' first jobs hide behind one long queue.
  for (const jobs of Object.values(input.bySet)) add("cold", jobs.find(isFree));
  const due = input.overdue.find(isFree);
  if (due === undefined) return [...heads.values()];
  const loadSeconds = worker.loadSeconds[due.modelSet] ?? 0;
  return [...heads.values(), { job: due, lane: "overdue", loadSeconds }];
}
