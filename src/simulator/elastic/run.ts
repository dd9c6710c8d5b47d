import { seededRandom } from "../../kernel/random.ts";
import { arrive } from "../arrivals.ts";
import type { ClusterObserver, Dispatcher } from "../cluster.ts";
import { natureOf, type Faults } from "../faults.ts";
import { Recorder } from "../outcome.ts";
import { defaultLoadModel, type LoadModel } from "../residency.ts";
import type { SimJob, Workload } from "../sim-job.ts";
import { summarize, type Summary } from "../summary.ts";
import { Timeline } from "../timeline.ts";
import { ElasticFleet, type ElasticSite } from "./fleet.ts";
import type { ElasticScaler } from "./scaler.ts";

/** Published loads, an assumed boot, and the price of a mid-size card. */
export const defaultSite: ElasticSite = {
  bootSeconds: 30,
  microUsdPerHour: 1_100_000,
  vramBytes: 24 * 1024 ** 3,
  fetchesWhileBooting: false,
};

export interface ElasticOptions {
  readonly seed: number;
  readonly site: ElasticSite;
  readonly loads?: LoadModel;
  readonly faults?: Faults;
}

/** The figures of one rule on one workload. */
export interface ElasticSummary extends Omit<Summary, "utilisation" | "busyHours"> {
  readonly paidHours: number;
  readonly busyHours: number;
  readonly coldPer1000: number;
  readonly microUsdPer1000Images: number;
  readonly peakWorkers: number;
}

/** Runs a workload on a fleet that the scaler sizes. The same seed gives the same run. */
export function simulateElasticFleet(
  workload: Workload,
  parts: { readonly scaler: ElasticScaler; readonly dispatcher: Dispatcher },
  options: ElasticOptions,
): ElasticSummary {
  const { scaler, dispatcher } = parts;
  const timeline = new Timeline(workload.jobs[0]?.arrivalSeconds ?? 0);
  const recorder = new Recorder();
  const loads = options.loads ?? defaultLoadModel;
  const { faults, site } = options;
  const nature = natureOf(seededRandom(options.seed), { loads, ...(faults && { faults }) });
  const observer = tellScaler(recorder, scaler);
  const pulse = new Pulse(timeline, scaler);
  const parameters = { site, dispatcher, nature, observer, onChange: () => pulse.changed() };
  const fleet = new ElasticFleet(timeline, parameters);
  pulse.watch(fleet);
  const lastSeconds = workload.jobs.at(-1)?.arrivalSeconds ?? 0;
  arrive(timeline, workload.jobs, (job) => {
    scaler.arrived?.(timeline.nowSeconds);
    fleet.submit(job);
    if (job === workload.jobs.at(-1)) pulse.endWhenDone(lastSeconds + graceSeconds);
  });
  timeline.run();
  return summaryOf(scaler.name, { fleet, recorder, workload, site, peak: pulse.peakWorkers });
}

/** What is still idle after the last job is paid for this long at most. */
const graceSeconds = 600;

function tellScaler(recorder: Recorder, scaler: ElasticScaler): ClusterObserver {
  const loads = new Map<string, number>();
  return {
    started: (start) => {
      loads.set(start.job.jobId, start.loadSeconds);
      recorder.started(start);
    },
    finished: (end) => {
      recorder.finished(end);
      const { job, atSeconds: nowSeconds } = end;
      const loadSeconds = loads.get(job.jobId) ?? 0;
      loads.delete(job.jobId);
      const latencySeconds = nowSeconds - job.arrivalSeconds;
      const runSeconds = job.warmSeconds;
      scaler.finished?.({ job, latencySeconds, runSeconds, loadSeconds, nowSeconds });
    },
    lost: (end) => recorder.lost(end),
  };
}

/** Lets the scaler act on its grid of times, or on those of them at which it could act. */
class Pulse {
  peakWorkers = 0;
  private readonly timeline: Timeline;
  private readonly scaler: ElasticScaler;
  private fleet: ElasticFleet | undefined;
  private nextSeconds = Infinity;
  private endSeconds = Infinity;

  constructor(timeline: Timeline, scaler: ElasticScaler) {
    this.timeline = timeline;
    this.scaler = scaler;
  }

  watch(fleet: ElasticFleet): void {
    this.fleet = fleet;
    this.wake(this.timeline.nowSeconds);
  }

  changed(): void {
    if (this.fleet !== undefined && this.fleet.waiting.size > 0)
      this.wake(this.timeline.nowSeconds);
  }

  endWhenDone(atSeconds: number): void {
    this.endSeconds = atSeconds;
  }

  private wake(atSeconds: number): void {
    const { intervalSeconds } = this.scaler;
    const next = Math.floor(atSeconds / intervalSeconds + 1) * intervalSeconds;
    if (next >= this.nextSeconds) return;
    this.nextSeconds = next;
    this.timeline.at(next, () => {
      if (this.nextSeconds === next) this.beat();
    });
  }

  private beat(): void {
    const { fleet, timeline, scaler } = this;
    this.nextSeconds = Infinity;
    if (fleet === undefined) return;
    const { nowSeconds } = timeline;
    const isOver = nowSeconds > this.endSeconds && fleet.waiting.size === 0;
    if (isOver && fleet.workers.every(({ sim }) => sim?.job === undefined)) return fleet.close();
    const { waiting, workers, lastLaunchSeconds } = fleet;
    const action = scaler.decide({ nowSeconds, waiting, workers, lastLaunchSeconds });
    fleet.launch(action.launch);
    this.peakWorkers = Math.max(this.peakWorkers, fleet.workers.length);
    for (const worker of action.drain) fleet.drain(worker);
    if (waiting.size > 0) fleet.cluster.reconsider();
    this.plan(action.reviewAtSeconds ?? null, nowSeconds);
  }

  private plan(reviewAtSeconds: number | null, nowSeconds: number): void {
    const { fleet, scaler } = this;
    if (fleet === undefined) return;
    if (!scaler.sleeps || fleet.waiting.size > 0) return this.wake(nowSeconds);
    const review =
      reviewAtSeconds ?? (fleet.workers.length > 0 ? nowSeconds + restlessSeconds : null);
    const at = this.endSeconds < Infinity ? Math.max(nowSeconds, this.endSeconds) : review;
    if (at !== null) this.wake(Math.max(nowSeconds, Math.min(at, review ?? at)));
  }
}

/** Workers that are busy now may become idle: a sleeping scaler looks again after this long. */
const restlessSeconds = 30;

interface Finished {
  readonly fleet: ElasticFleet;
  readonly recorder: Recorder;
  readonly workload: Workload;
  readonly site: ElasticSite;
  readonly peak: number;
}

function summaryOf(name: string, run: Finished): ElasticSummary {
  const { fleet, recorder, workload, site } = run;
  const submitted = workload.jobs.length;
  const { utilisation: _, ...summary } = summarize(name, recorder.outcome, {
    submitted,
    workers: 1,
  });
  const paidHours = fleet.paidSeconds / 3600;
  return {
    ...summary,
    paidHours,
    coldPer1000: (1000 * fleet.coldStarts) / Math.max(1, submitted),
    microUsdPer1000Images: (1000 * paidHours * site.microUsdPerHour) / imagesOf(workload.jobs),
    peakWorkers: run.peak,
  };
}

export function imagesOf(jobs: readonly SimJob[]): number {
  return Math.max(
    1,
    jobs.reduce((sum, { images = 1 }) => sum + images, 0),
  );
}
