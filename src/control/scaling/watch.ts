import type { EndedAttempt, InstanceObservation } from "../../store/scaling.ts";
import type { Store } from "../../store/store.ts";
import { idOf, stateOf, type InstanceTraces } from "./fleet-view.ts";
import { ForecastCache } from "./forecasts.ts";
import { learnBoot, recall, type ScaleMemory } from "./memory.ts";

/** How far a new leader looks back. */
const lookBackMs = 900_000;
const setsPerWorker = 2;

export interface News {
  readonly nowMs: number;
  readonly sinceMs: number;
  readonly ended: readonly EndedAttempt[];
  readonly arrivals: ReadonlyMap<number, number>;
}

/** Remembers between passes what one look at the tables does not show. Times: the database's clock. */
export class ScaleWatch implements InstanceTraces {
  readonly forecasts = new ForecastCache();
  readonly freeSinceMs = new Map<string, number>();
  readonly modelSets = new Map<string, readonly string[]>();
  private readonly memories = new Map<number, ScaleMemory>();
  private readonly booting = new Set<string>();
  private readonly store: Store;
  private seenMs: number | undefined;
  private endedMs: number | undefined;

  constructor(store: Store) {
    this.store = store;
  }

  memoryOf(deploymentId: number, stored: unknown): ScaleMemory {
    return this.memories.get(deploymentId) ?? recall(stored);
  }

  keep(deploymentId: number, memory: ScaleMemory): void {
    this.memories.set(deploymentId, memory);
  }

  /** What has happened since the last look. */
  async news(): Promise<News> {
    const { scaling } = this.store;
    const nowMs = (await scaling.now()).getTime();
    const sinceMs = this.seenMs ?? nowMs;
    const ended = await scaling.endedSince(new Date(this.endedMs ?? nowMs - lookBackMs));
    const counts = await scaling.arrivalsSince(new Date(sinceMs));
    for (const end of ended) this.noteEnd(end);
    this.endedMs = ended.at(-1)?.endedAt.getTime() ?? this.endedMs ?? nowMs;
    this.seenMs = nowMs;
    const arrivals = new Map(counts.map(({ deploymentId, jobs }) => [deploymentId, jobs]));
    return { nowMs, sinceMs, ended, arrivals };
  }

  /** Notes which instances have become ready, and forgets those that are gone. */
  noteInstances(
    rows: readonly InstanceObservation[],
    nowMs: number,
    memory: ScaleMemory,
  ): ScaleMemory {
    let learned = memory;
    for (const row of rows) {
      const id = idOf(row);
      const state = stateOf([row]);
      if (state === "booting") {
        this.booting.add(id);
        continue;
      }
      if (this.booting.delete(id) && row.platform !== null) {
        learned = learnBoot(learned, row.platform, nowMs - row.createdAt.getTime());
      }
      if (!this.freeSinceMs.has(id)) this.freeSinceMs.set(id, nowMs);
    }
    return learned;
  }

  forgetAllBut(present: ReadonlySet<string>): void {
    for (const id of this.freeSinceMs.keys()) if (!present.has(id)) this.freeSinceMs.delete(id);
    for (const id of this.modelSets.keys()) if (!present.has(id)) this.modelSets.delete(id);
    for (const id of this.booting) if (!present.has(id)) this.booting.delete(id);
  }

  private noteEnd({ instanceId, modelSet, endedAt }: EndedAttempt): void {
    if (instanceId === null) return;
    this.freeSinceMs.set(instanceId, endedAt.getTime());
    const others = (this.modelSets.get(instanceId) ?? []).filter((set) => set !== `${modelSet}`);
    this.modelSets.set(instanceId, [...others, `${modelSet}`].slice(-setsPerWorker));
  }
}
