import { expectedRestSeconds } from "../scheduler/expected-rest.ts";
import { Residency, type LoadModel, type MemoryNeed } from "./residency.ts";
import type { SimJob } from "./sim-job.ts";
import type { Timeline } from "./timeline.ts";

/** One worker of the simulated fleet. */
export interface SimWorker {
  readonly workerId: string;
  readonly vramBytes: number;
  readonly residency: Residency;
  job: SimJob | undefined;
  /** When it is expected to be free, by estimates: nobody looks into the future. */
  freeAtSeconds: number;
  claims: number;
  idleSinceSeconds: number;
  /** When its job began to load. */
  startedAtSeconds: number;
  /** It takes no more work and leaves once it is free. */
  isDraining: boolean;
  /** Distinguishes the run that ends from one that a fault ended before. */
  runs: number;
}

export interface Assignment {
  readonly worker: SimWorker;
  readonly job: SimJob;
  /** Load and run as the dispatcher expects them. */
  readonly expectedSeconds: number;
}

/** Who gets what, when: the policy under test. */
export interface Dispatcher {
  readonly name: string;
  /** Jobs that wait. */
  readonly queued: number;
  enqueue(job: SimJob, nowSeconds: number): void;
  /** The next pair, taken out of the queue; undefined when nobody should start anything now. */
  next(cluster: ClusterView, nowSeconds: number): Assignment | undefined;
  finished?(job: SimJob, ran: { readonly runSeconds: number; readonly isComplete: boolean }): void;
}

export interface ClusterView {
  readonly workers: readonly SimWorker[];
  readonly idle: readonly SimWorker[];
  /** Brings a model into a worker's RAM, unless one is on its way there or it is on its way. */
  prefetch(worker: SimWorker, need: MemoryNeed): void;
}

/** What happened, as it happens. */
export interface ClusterObserver {
  started?(start: Assignment & { readonly atSeconds: number; readonly loadSeconds: number }): void;
  finished?(end: {
    readonly worker: SimWorker;
    readonly job: SimJob;
    readonly atSeconds: number;
  }): void;
  lost?(end: {
    readonly worker: SimWorker;
    readonly job: SimJob;
    readonly atSeconds: number;
  }): void;
}

/** What a run really takes and whether something goes wrong in it. */
export interface Nature {
  readonly loads: LoadModel;
  /** Loading costs nothing: the bound that no placement can beat. */
  readonly freeLoads?: boolean;
  /** A factor on one load, with mean 1. */
  drawLoadFactor(): number;
  /** After how much of its run an attempt fails and is queued again; undefined if it succeeds. */
  drawFailure?(job: SimJob): number | undefined;
}

/** Workers on a timeline, fed by a dispatcher. Workers may join and leave at any time. */
export class Cluster implements ClusterView {
  readonly workers: SimWorker[] = [];
  readonly idle: SimWorker[] = [];
  private readonly fetches = new Map<SimWorker, string>();
  private readonly timeline: Timeline;
  private readonly dispatcher: Dispatcher;
  private readonly nature: Nature;
  private readonly observer: ClusterObserver;
  private joined = 0;

  constructor(
    timeline: Timeline,
    parts: {
      readonly dispatcher: Dispatcher;
      readonly nature: Nature;
      readonly observer?: ClusterObserver;
    },
  ) {
    this.timeline = timeline;
    this.dispatcher = parts.dispatcher;
    this.nature = parts.nature;
    this.observer = parts.observer ?? {};
  }

  submit(job: SimJob): void {
    this.dispatcher.enqueue(job, this.timeline.nowSeconds);
    this.dispatch();
  }

  /** A worker that is ready now, with nothing in VRAM and the given models in RAM. */
  join(
    vramBytes: number,
    inRam: readonly MemoryNeed[] = [],
    /** Told before the worker gets its first job. */
    onJoined?: (worker: SimWorker) => void,
  ): SimWorker {
    const { nowSeconds } = this.timeline;
    const worker: SimWorker = {
      workerId: `w${this.joined++}`,
      vramBytes,
      residency: new Residency(this.nature.loads, vramBytes),
      job: undefined,
      freeAtSeconds: nowSeconds,
      claims: 0,
      idleSinceSeconds: nowSeconds,
      startedAtSeconds: nowSeconds,
      isDraining: false,
      runs: 0,
    };
    for (const need of inRam) worker.residency.prefetch(need);
    this.workers.push(worker);
    this.idle.push(worker);
    onJoined?.(worker);
    this.dispatch();
    return worker;
  }

  /** Leaves at once when idle, else after its job. */
  drain(worker: SimWorker): void {
    worker.isDraining = true;
    if (worker.job === undefined) this.remove(worker);
  }

  /** The worker dies now; its job is queued again with its old place. */
  kill(worker: SimWorker): void {
    const { job } = worker;
    this.remove(worker);
    if (job !== undefined) this.lose(worker, job);
  }

  /** Asks the dispatcher again: with time, or after a prefetch, it may decide otherwise. */
  reconsider(): void {
    this.dispatch();
  }

  prefetch(worker: SimWorker, need: MemoryNeed): void {
    const { residency } = worker;
    if (this.fetches.has(worker) || [...this.fetches.values()].includes(need.model)) return;
    this.fetches.set(worker, need.model);
    const seconds = residency.expectedSeconds(need) * this.nature.drawLoadFactor();
    this.timeline.after(seconds, () => {
      this.fetches.delete(worker);
      residency.prefetch(need);
      this.dispatch();
    });
  }

  private dispatch(): void {
    while (this.idle.length > 0 && this.dispatcher.queued > 0) {
      const start = this.dispatcher.next(this, this.timeline.nowSeconds);
      if (start === undefined) return;
      this.start(start);
    }
  }

  private start(start: Assignment): void {
    const { worker, job } = start;
    const { nowSeconds } = this.timeline;
    const loadSeconds = this.load(worker, job);
    worker.job = job;
    worker.claims++;
    worker.startedAtSeconds = nowSeconds;
    worker.freeAtSeconds = nowSeconds + start.expectedSeconds;
    const run = ++worker.runs;
    removeFrom(this.idle, worker);
    this.observer.started?.({ ...start, atSeconds: nowSeconds, loadSeconds });
    const failsAfter = this.nature.drawFailure?.(job);
    this.timeline.after(loadSeconds + job.warmSeconds * (failsAfter ?? 1), () => {
      if (worker.runs === run && worker.job === job)
        this.end(worker, job, failsAfter !== undefined);
    });
  }

  private load({ residency }: SimWorker, job: SimJob): number {
    const expected = this.nature.freeLoads === true ? 0 : residency.expectedSeconds(job);
    residency.begin(job.jobId, job, this.timeline.nowSeconds);
    return expected === 0 ? 0 : expected * this.nature.drawLoadFactor();
  }

  private end(worker: SimWorker, job: SimJob, hasFailed: boolean): void {
    const atSeconds = this.timeline.nowSeconds;
    worker.job = undefined;
    worker.residency.end(job.jobId, atSeconds);
    worker.idleSinceSeconds = atSeconds;
    if (worker.isDraining) this.remove(worker);
    else this.idle.push(worker);
    if (hasFailed) this.lose(worker, job);
    else {
      this.dispatcher.finished?.(job, { runSeconds: job.warmSeconds, isComplete: true });
      this.observer.finished?.({ worker, job, atSeconds });
    }
    this.dispatch();
  }

  private lose(worker: SimWorker, job: SimJob): void {
    worker.job = undefined;
    this.observer.lost?.({ worker, job, atSeconds: this.timeline.nowSeconds });
    this.dispatcher.enqueue(job, this.timeline.nowSeconds);
    this.dispatch();
  }

  private remove(worker: SimWorker): void {
    removeFrom(this.workers, worker);
    removeFrom(this.idle, worker);
  }
}

function removeFrom(list: SimWorker[], worker: SimWorker): void {
  const index = list.indexOf(worker);
  if (index !== -1) list.splice(index, 1);
}

/** Until the worker is expected to be free; 0 for an idle one. */
export function restSeconds(worker: SimWorker, nowSeconds: number): number {
  if (worker.job === undefined) return 0;
  const { startedAtSeconds, freeAtSeconds: endsAtSeconds } = worker;
  return expectedRestSeconds({ startedAtSeconds, endsAtSeconds }, nowSeconds);
}
