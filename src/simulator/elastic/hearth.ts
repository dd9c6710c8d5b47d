import { decideScale } from "../../autoscaler/decide-scale.ts";
import {
  policyOfSettings,
  scalingSettingsSchema,
  type ScalingSettings,
} from "../../autoscaler/settings.ts";
import type { ScaleDecision } from "../../autoscaler/decision.ts";
import type { ScaledWorker, ScaleSnapshot } from "../../autoscaler/snapshot.ts";
import { learnArrivals, learnEnd, recall, type ScaleMemory } from "../../control/scaling/memory.ts";
import { scaleSnapshotOf } from "../../control/scaling/snapshot-of.ts";
import type { LaunchObservation } from "../../store/scaling.ts";
import { restSeconds } from "../cluster.ts";
import { EstimateBook } from "../estimate-book.ts";
import type { SimJob } from "../sim-job.ts";
import type { ElasticSite, ElasticWorker } from "./fleet.ts";
import { isIdle, type ElasticScaler, type ElasticView } from "./scaler.ts";

const site = "site";
/** As many of the first jobs as the product looks at. */
const headJobs = 200;

/**
 * The product's own scaling: its memory, its snapshot and its decision, fed from the simulated
 * fleet instead of from the store.
 */
export class HearthScaler implements ElasticScaler {
  readonly name: string;
  readonly intervalSeconds = 2;
  readonly sleeps = true;
  private readonly settings: ScalingSettings;
  private readonly facts: ElasticSite;
  private readonly estimates = new EstimateBook();
  private readonly sets = new Map<string, number>();
  private readonly launches: LaunchObservation[] = [];
  private memory: ScaleMemory;
  private arrivals = 0;
  private seenMs: number | undefined;

  constructor(settings: object, facts: ElasticSite) {
    this.settings = scalingSettingsSchema.parse({ maxWorkers: 10_000, ...settings });
    this.name = `hearth ${this.settings.strategy}`;
    this.facts = facts;
    this.memory = { ...recall({}), bootMs: { [site]: facts.bootSeconds * 1000 } };
  }

  arrived(): void {
    this.arrivals++;
  }

  finished(end: {
    readonly job: SimJob;
    readonly latencySeconds: number;
    readonly runSeconds: number;
    readonly loadSeconds: number;
    readonly nowSeconds: number;
  }): void {
    const { job, nowSeconds, loadSeconds } = end;
    this.estimates.learn(job, end.runSeconds);
    const attempt = {
      deploymentId: 1,
      instanceId: null,
      modelSet: 0,
      submittedAt: at(nowSeconds - end.latencySeconds),
      claimedAt: at(nowSeconds - end.runSeconds - loadSeconds),
      endedAt: at(nowSeconds),
      isSuccess: true,
      stageMs: loadSeconds * 1000,
    };
    this.memory = learnEnd(this.memory, attempt, policyOfSettings(this.settings).goal);
  }

  decide(view: ElasticView): ReturnType<ElasticScaler["decide"]> {
    const nowMs = Math.round(view.nowSeconds * 1000);
    const sinceMs = this.seenMs ?? nowMs - 1;
    if (nowMs > sinceMs) {
      this.memory = learnArrivals(this.memory, this.arrivals, sinceMs, nowMs);
      this.arrivals = 0;
    }
    this.seenMs = nowMs;
    const snapshot = scaleSnapshotOf({
      nowMs,
      settings: this.settings,
      memory: this.memory,
      queue: { deploymentId: 1, queued: view.waiting.size, head: this.head(view) },
      workers: view.workers.map((worker) => this.workerOf(worker, view.nowSeconds)),
      launches: this.recentLaunches(nowMs),
      platforms: [
        {
          name: site,
          expectedBootMs: this.facts.bootSeconds * 1000,
          microUsdPerHour: this.facts.microUsdPerHour,
          isSpot: false,
          instances: view.workers.length,
        },
      ],
      floors: [],
    });
    const decision = this.decideOn(snapshot);
    const byId = new Map(view.workers.map((worker) => [worker.id, worker]));
    let launch = 0;
    const drain: ElasticWorker[] = [];
    for (const command of decision.commands) {
      if (command.action === "launch") launch += command.count;
      else drain.push(...[byId.get(command.workerId)].filter((found) => found !== undefined));
    }
    this.noteLaunches(launch, nowMs);
    const { reviewAtMs } = decision;
    return { launch, drain, reviewAtSeconds: reviewAtMs === null ? null : reviewAtMs / 1000 };
  }

  /** The product's policy call. */
  protected decideOn(snapshot: ScaleSnapshot): ScaleDecision {
    return decideScale(snapshot);
  }

  private head({ waiting }: ElasticView): readonly (readonly [number, number])[] {
    const head: [number, number][] = [];
    for (const job of waiting.values()) {
      head.push([this.setOf(job.model), Math.round(this.estimates.estimateSeconds(job) * 1000)]);
      if (head.length === headJobs) break;
    }
    return head;
  }

  private workerOf(worker: ElasticWorker, nowSeconds: number): ScaledWorker {
    const { sim } = worker;
    const isFree = isIdle(worker);
    const freeAtSeconds =
      sim === undefined ? worker.readyAtSeconds : nowSeconds + restSeconds(sim, nowSeconds);
    return {
      id: worker.id,
      offer: site,
      state: stateOf(worker, isFree),
      freeAtMs: Math.round(freeAtSeconds * 1000),
      idleSinceMs: isFree ? Math.round((sim?.idleSinceSeconds ?? nowSeconds) * 1000) : null,
      modelSets: sim === undefined ? [] : sim.residency.inVram.map((model) => this.nameOf(model)),
    };
  }

  /** Model sets 0 and 1 stand for no models in the product. */
  private setOf(model: string): number {
    const known = this.sets.get(model) ?? this.sets.size + 2;
    this.sets.set(model, known);
    return known;
  }

  private nameOf(model: string): string {
    return String(this.setOf(model));
  }

  /** Newest first, as the store gives them. */
  private recentLaunches(nowMs: number): readonly LaunchObservation[] {
    const hourAgoMs = nowMs - 3_600_000;
    while ((this.launches.at(-1)?.createdAt.getTime() ?? nowMs) < hourAgoMs) this.launches.pop();
    return this.launches;
  }

  private noteLaunches(count: number, nowMs: number): void {
    const createdAt = new Date(nowMs);
    const launch = { deploymentId: 1, platform: site, createdAt, goneAt: null, wasReady: true };
    for (let index = 0; index < count; index++) this.launches.unshift(launch);
  }
}

function at(seconds: number): Date {
  return new Date(Math.round(seconds * 1000));
}

function stateOf({ sim }: ElasticWorker, isFree: boolean): ScaledWorker["state"] {
  if (sim === undefined) return "booting";
  if (sim.isDraining) return "draining";
  return isFree ? "idle" : "busy";
}
