import {
  Cluster,
  type ClusterObserver,
  type Dispatcher,
  type Nature,
  type SimWorker,
} from "../cluster.ts";
import type { SimJob } from "../sim-job.ts";
import type { Timeline } from "../timeline.ts";

/** What it takes to get a worker and to keep it. */
export interface ElasticSite {
  readonly bootSeconds: number;
  readonly microUsdPerHour: number;
  readonly vramBytes: number;
  /** Whether the agent fetches the backlog's models into RAM while the worker boots. */
  readonly fetchesWhileBooting: boolean;
}

/** A worker from its launch to its end; paid for all of it. */
export interface ElasticWorker {
  readonly id: string;
  readonly launchedAtSeconds: number;
  readonly readyAtSeconds: number;
  /** Undefined while it boots. */
  sim: SimWorker | undefined;
  isGone: boolean;
}

/** Workers that boot, load, idle, are paid for, and leave. */
export class ElasticFleet {
  readonly workers: ElasticWorker[] = [];
  readonly waiting = new Map<string, SimJob>();
  readonly cluster: Cluster;
  paidSeconds = 0;
  launches = 0;
  lastLaunchSeconds: number | undefined;
  /** First jobs of workers: whoever got them waited for a cold start or met a cold worker. */
  coldStarts = 0;
  private readonly timeline: Timeline;
  private readonly site: ElasticSite;
  private readonly bySim = new Map<SimWorker, ElasticWorker>();
  private readonly used = new Set<SimWorker>();
  /** What happened in the fleet, for a scaler that acts on events. */
  private readonly onChange: () => void;

  constructor(
    timeline: Timeline,
    parts: {
      readonly site: ElasticSite;
      readonly dispatcher: Dispatcher;
      readonly nature: Nature;
      readonly observer: ClusterObserver;
      readonly onChange: () => void;
    },
  ) {
    this.timeline = timeline;
    this.site = parts.site;
    this.onChange = parts.onChange;
    this.cluster = new Cluster(timeline, { ...parts, observer: this.observe(parts.observer) });
  }

  submit(job: SimJob): void {
    this.waiting.set(job.jobId, job);
    this.cluster.submit(job);
    this.onChange();
  }

  launch(count: number): void {
    const { nowSeconds } = this.timeline;
    for (let index = 0; index < count; index++) {
      const worker: ElasticWorker = {
        id: `i${this.launches++}`,
        launchedAtSeconds: nowSeconds,
        readyAtSeconds: nowSeconds + this.site.bootSeconds,
        sim: undefined,
        isGone: false,
      };
      this.workers.push(worker);
      this.lastLaunchSeconds = nowSeconds;
      this.timeline.at(worker.readyAtSeconds, () => this.ready(worker));
    }
  }

  /** Leaves now if it boots or is idle, else after its job. */
  drain(worker: ElasticWorker): void {
    if (worker.isGone) return;
    if (worker.sim === undefined || worker.sim.job === undefined) this.leave(worker);
    if (worker.sim !== undefined) this.cluster.drain(worker.sim);
  }

  /** Everybody leaves: the end of the simulation. */
  close(): void {
    for (const worker of this.workers.slice()) this.leave(worker);
  }

  private ready(worker: ElasticWorker): void {
    if (worker.isGone) return;
    const models = this.site.fetchesWhileBooting ? this.missingModels() : [];
    // The cluster gives it work at once, so the link must be there before.
    worker.sim = this.cluster.join(this.site.vramBytes, models, (sim) => {
      worker.sim = sim;
      this.bySim.set(sim, worker);
    });
    this.onChange();
  }

  /** The model that most of the waiting jobs need and no idle worker has. */
  private missingModels(): readonly SimJob[] {
    const byModel = Map.groupBy(this.waiting.values(), ({ model }) => model);
    const [most] = [...byModel.values()].toSorted((left, right) => right.length - left.length);
    return most?.slice(0, 1) ?? [];
  }

  private leave(worker: ElasticWorker): void {
    if (worker.isGone) return;
    worker.isGone = true;
    this.paidSeconds += this.timeline.nowSeconds - worker.launchedAtSeconds;
    this.workers.splice(this.workers.indexOf(worker), 1);
  }

  private observe(observer: ClusterObserver): ClusterObserver {
    return {
      started: (start) => {
        this.waiting.delete(start.job.jobId);
        if (!this.used.has(start.worker)) {
          this.used.add(start.worker);
          this.coldStarts++;
        }
        observer.started?.(start);
      },
      finished: (end) => {
        observer.finished?.(end);
        const worker = this.bySim.get(end.worker);
        if (end.worker.isDraining && worker !== undefined) this.leave(worker);
        this.onChange();
      },
      lost: (end) => {
        this.waiting.set(end.job.jobId, end.job);
        observer.lost?.(end);
      },
    };
  }
}
