import { expectedRestSeconds } from "../../scheduler/expected-rest.ts";
import { loadSeconds, type NeededModel, type Tier } from "../../scheduler/load-cost.ts";
import type { WarmWorker } from "../../scheduler/round.ts";
import type { FleetWorker, ModelSetRecord, QueueSurvey } from "../../store/queue.ts";
import type { WorkerResident } from "../../store/workers.ts";
import { KeyHints } from "./key-hints.ts";
import type { PlacedJob } from "./queue-hint.ts";

/** Taken for a file of which nobody has said how large it is. */
export const assumedModelBytes = 4e9;
/** Stands for "any": numbers that a database and JSON can hold. */
const anyVramBytes = Number.MAX_SAFE_INTEGER;
const budgetStepBytes = 1024 ** 3;
/** Beyond this many sets the oldest is forgotten, and read again when it is queued. */
const maxKnownSets = 10_000;
/** A worker is remembered for the sets that it has something of, up to this many. */
const maxResidentSets = 8;

/**
 * What one gateway knows of a deployment's queue and workers. Some of it is a second old, and other
 * gateways claim at the same time: that costs efficiency, never correctness.
 */
export class PoolView {
  readonly deploymentId: number;
  readonly setHints = new KeyHints();
  readonly classHints = new KeyHints();
  /** By number; without jobs as long as nobody has looked. */
  readonly sets = new Map<number, ModelSetRecord & { jobs: number; backlogMs: number }>();
  /** VRAM classes that have jobs which need models, as far as is known. */
  readonly classes = new Set<number>();
  /** Sets that were queued since the last survey and whose files are not known yet. */
  readonly unknownSets = new Set<number>();
  /** How many jobs this gateway has claimed for each worker. */
  readonly claims = new Map<string, number>();
  cappedTenantIds: readonly number[] = [];
  isShared = false;
  maxStartTag = 0;
  private readonly budgets = new Map<string, number>();
  private fleet: readonly FleetWorker[] = [];
  /** Asked for thousands of times a round; forgotten whenever something that it rests on changes. */
  private readonly loads = new Map<string, Map<number, number>>();
  private tiers = new Map<string, Map<string, Tier>>();
  private modelBytes = new Map<string, number>();
  /** The set that each worker ran last, as far as this gateway knows. */
  private readonly lastSets = new Map<string, number>();
  /** Files of every set seen here; sets never change. */
  private readonly keysOf = new Map<number, readonly string[]>();

  constructor(deploymentId: number) {
    this.deploymentId = deploymentId;
  }

  /** Whether nothing that is queued needs a model and nobody is to be left out. */
  get isPlain(): boolean {
    if (this.unknownSets.size > 0 || this.cappedTenantIds.length > 0) return false;
    for (const id of this.sets.keys()) if (id !== 0) return false;
    return true;
  }

  /** Takes in a survey; `since` is what the hints' `begin` gave before it. */
  learnSurvey(survey: QueueSurvey): void {
    this.sets.clear();
    for (const set of survey.sets) {
      this.sets.set(set.id, { ...set });
      this.learnKeys(set);
      this.unknownSets.delete(set.id);
      this.setHints.lower(set.id, set.leastKey);
    }
    this.classes.clear();
    for (const { vramClass, leastKey } of survey.classes) {
      this.classes.add(vramClass);
      this.classHints.lower(vramClass, leastKey);
    }
    this.setHints.keepOnly(new Set(this.sets.keys()));
    this.cappedTenantIds = survey.cappedTenantIds;
    this.isShared = survey.isShared;
  }

  learnFleet(fleet: readonly FleetWorker[], residents: readonly WorkerResident[]): void {
    this.fleet = fleet;
    this.loads.clear();
    this.tiers = new Map();
    this.modelBytes = new Map();
    for (const { workerId, model, bytes, tier } of residents) {
      const known = this.tiers.get(workerId) ?? new Map<string, Tier>();
      known.set(model, tier);
      this.tiers.set(workerId, known);
      this.modelBytes.set(model, bytes);
    }
    for (const { workerId, modelSet } of fleet) {
      if (modelSet !== null) this.lastSets.set(workerId, modelSet);
    }
    const present = new Set(fleet.map((worker) => worker.workerId));
    for (const id of this.lastSets.keys()) if (!present.has(id)) this.lastSets.delete(id);
    for (const known of [this.claims, this.budgets]) {
      for (const id of known.keys()) if (!present.has(id)) known.delete(id);
    }
  }

  learnSets(records: readonly ModelSetRecord[]): void {
    for (const record of records) {
      this.unknownSets.delete(record.id);
      this.learnKeys(record);
      if (!this.sets.has(record.id)) this.sets.set(record.id, { ...record, jobs: 1, backlogMs: 0 });
    }
  }

  /** A job was queued, here or elsewhere. */
  notePlaced({ modelSet, vramClass, v, vCold }: PlacedJob): void {
    this.setHints.lower(modelSet, v);
    if (modelSet > 0) {
      this.classHints.lower(vramClass, vCold);
      this.classes.add(vramClass);
    }
    if (!this.sets.has(modelSet)) this.unknownSets.add(modelSet);
  }

  noteClaim(
    workerId: string,
    modelSet: number,
    run: { readonly startedAtSeconds: number; readonly endsAtSeconds: number },
  ): void {
    this.claims.set(workerId, (this.claims.get(workerId) ?? 0) + 1);
    this.lastSets.set(workerId, modelSet);
    this.loads.delete(workerId);
    this.fleet = this.fleet.map((worker) =>
      worker.workerId === workerId
        ? {
            ...worker,
            busySinceSeconds: run.startedAtSeconds,
            freeAtSeconds: Math.max(run.endsAtSeconds, worker.freeAtSeconds ?? 0),
            modelSet,
          }
        : worker,
    );
  }

  /** What workers may take that share their card with others. */
  noteBudgets(asking: ReadonlyMap<string, number | undefined>): void {
    for (const [workerId, bytes] of asking) {
      // In whole steps, since every amount that is asked for has hints of its own.
      if (bytes === undefined) this.budgets.delete(workerId);
      else this.budgets.set(workerId, Math.floor(bytes / budgetStepBytes) * budgetStepBytes);
    }
  }

  knows(workerId: string): boolean {
    return this.fleet.some((worker) => worker.workerId === workerId);
  }

  /**
   * VRAM that a job may need to run there. The largest worker takes everything: what is more than
   * it has cannot run better elsewhere, and ComfyUI may still manage by offloading. Where others
   * are at work on its card, what they leave is all.
   */
  usableVramBytes(workerId: string): number {
    const budget = this.budgets.get(workerId);
    if (budget !== undefined) return budget;
    const own = this.fleet.find((worker) => worker.workerId === workerId)?.vramBytes ?? 0;
    const largest = Math.max(0, ...this.fleet.map((worker) => worker.vramBytes));
    return own === 0 || own >= largest ? anyVramBytes : own;
  }

  loadSecondsOf(workerId: string, modelSet: number): number {
    const known = this.loads.get(workerId) ?? new Map<number, number>();
    const seconds =
      known.get(modelSet) ??
      loadSeconds(this.needs(modelSet), (model) => this.tierOf(workerId, model));
    known.set(modelSet, seconds);
    this.loads.set(workerId, known);
    return seconds;
  }

  /** Queued sets of which the worker has something in memory or on disk, cheapest first. */
  residentSetsOf(workerId: string): readonly number[] {
    const found: { id: number; seconds: number }[] = [];
    for (const { id, keys } of this.sets.values()) {
      if (keys.length > 0 && !keys.some((key) => this.tierOf(workerId, key) !== undefined))
        continue;
      found.push({ id, seconds: this.loadSecondsOf(workerId, id) });
    }
    found.sort((left, right) => left.seconds - right.seconds || left.id - right.id);
    return found.slice(0, maxResidentSets).map(({ id }) => id);
  }

  /** More than half of the workers are idle. */
  isSpare(): boolean {
    const idle = this.fleet.filter(({ busySinceSeconds }) => busySinceSeconds === null);
    return idle.length * 2 > this.fleet.length;
  }

  /** Workers that hold a set in VRAM, or are about to. */
  warmWorkers(modelSets: readonly number[], nowSeconds: number): readonly WarmWorker[] {
    return this.fleet.flatMap(({ workerId, busySinceSeconds, freeAtSeconds }) => {
      const warm = modelSets.filter((id) => this.loadSecondsOf(workerId, id) === 0);
      const startedAtSeconds = busySinceSeconds ?? nowSeconds;
      const freeInSeconds =
        freeAtSeconds === null
          ? 0
          : expectedRestSeconds({ startedAtSeconds, endsAtSeconds: freeAtSeconds }, nowSeconds);
      const named = warm.map((id) => this.label(id));
      const vramBytes = this.usableVramBytes(workerId);
      return warm.length === 0 ? [] : [{ workerId, modelSets: named, freeInSeconds, vramBytes }];
    });
  }

  /** A set as decisions name it: for people, and unmistakable. */
  label(modelSet: number): string {
    const [first, ...rest] = this.keysOf.get(modelSet) ?? [];
    if (first === undefined) return modelSet === 0 ? "" : `#${modelSet}`;
    return rest.length === 0 ? `#${modelSet} ${first}` : `#${modelSet} ${first} +${rest.length}`;
  }

  private learnKeys({ id, keys }: ModelSetRecord): void {
    if (!this.keysOf.has(id)) this.loads.clear();
    this.keysOf.delete(id);
    this.keysOf.set(id, keys);
    const [oldest] = this.keysOf.keys();
    if (this.keysOf.size > maxKnownSets && oldest !== undefined) this.keysOf.delete(oldest);
  }

  private needs(modelSet: number): readonly NeededModel[] {
    const keys = this.keysOf.get(modelSet) ?? [];
    return keys.map((model) => ({ model, bytes: this.modelBytes.get(model) ?? assumedModelBytes }));
  }

  private tierOf(workerId: string, model: string): Tier | undefined {
    const last = this.lastSets.get(workerId);
    if (last !== undefined && this.keysOf.get(last)?.includes(model) === true) return "vram";
    return this.tiers.get(workerId)?.get(model);
  }
}
