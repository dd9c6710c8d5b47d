import type { Tier } from "../scheduler/load-cost.ts";

/** How much a worker holds, in base models, and what moving one takes. */
export interface LoadModel {
  readonly vramModels: number;
  readonly ramModels: number;
  readonly ramSeconds: number;
  /** Mean of the loads from disk. */
  readonly diskSeconds: number;
}

/** Published means for base models of one platform: 22 s from disk. Tiers are assumptions. */
export const defaultLoadModel: LoadModel = {
  vramModels: 2,
  ramModels: 4,
  ramSeconds: 3,
  diskSeconds: 22,
};

/** What one worker holds: least recently used leaves first. RAM keeps what VRAM gave up. */
export class Residency {
  /** Most recently used last. */
  private readonly vram: string[] = [];
  private readonly ram: string[] = [];
  private readonly loads: LoadModel;

  constructor(loads: LoadModel) {
    this.loads = loads;
  }

  get inVram(): readonly string[] {
    return this.vram;
  }

  /** All that it holds anywhere nearer than on disk, each once. */
  get models(): readonly string[] {
    return [...this.vram, ...this.ram.filter((model) => !this.vram.includes(model))];
  }

  tierOf(model: string): Tier {
    if (this.vram.includes(model)) return "vram";
    return this.ram.includes(model) ? "ram" : "disk";
  }

  /** Seconds that loading `model` is expected to take. */
  expectedSeconds(model: string): number {
    const tier = this.tierOf(model);
    if (tier === "vram") return 0;
    return tier === "ram" ? this.loads.ramSeconds : this.loads.diskSeconds;
  }

  /** Makes `model` the most recently used in VRAM; what falls out is only in RAM or on disk. */
  use(model: string): void {
    touch(this.vram, model, this.loads.vramModels);
    touch(this.ram, model, this.loads.ramModels);
  }

  /** Brings `model` into RAM only. */
  prefetch(model: string): void {
    touch(this.ram, model, this.loads.ramModels);
  }
}

function touch(list: string[], model: string, room: number): void {
  const index = list.indexOf(model);
  if (index !== -1) list.splice(index, 1);
  list.push(model);
  if (list.length > room) list.shift();
}
