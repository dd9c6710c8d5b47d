import { decideAdmission, type MemoryRequest } from "../memory/admit.ts";
import { openLedger, type CardLedger } from "../memory/ledger.ts";
import { beginRun, endRun } from "../memory/runs.ts";
import type { Tier } from "../scheduler/load-cost.ts";

const gibibyte = 1024 ** 3;

/** What a worker's RAM holds and what moving a model of 10 GiB takes; others in proportion. */
export interface LoadModel {
  readonly ramBytes: number;
  readonly ramSeconds: number;
  /** Mean of the loads from disk. */
  readonly diskSeconds: number;
}

/** Published means for base models of one platform: 22 s from disk. Tiers are assumptions. */
export const defaultLoadModel: LoadModel = {
  ramBytes: 40 * gibibyte,
  ramSeconds: 3,
  diskSeconds: 22,
};

const measuredModelBytes = 10 * gibibyte;
/** Of what a job needs on a card; the rest is working memory. */
const modelShare = 5 / 6;
const slot = "comfyui";

/** What tells which model a job needs and how much of a card. */
export interface MemoryNeed {
  readonly model: string;
  readonly vramBytes: number;
}

/** Seconds to load all of a job's model from disk. */
export function coldLoadSeconds(loads: LoadModel, vramBytes: number): number {
  return loads.diskSeconds * weight(vramBytes);
}

function modelBytes(vramBytes: number): number {
  return Math.round(vramBytes * modelShare);
}

function weight(vramBytes: number): number {
  return modelBytes(vramBytes) / measuredModelBytes;
}

/**
 * What one worker holds: its card by the product's own ledger, its RAM as a page cache that gives
 * up the least recently used. RAM keeps what the card gave up.
 */
export class Residency {
  private ledger: CardLedger;
  private vram: readonly string[] = [];
  /** Bytes by model, most recently used last. */
  private readonly ram = new Map<string, number>();
  private ramBytes = 0;
  private readonly loads: LoadModel;

  constructor(loads: LoadModel, vramBytes: number) {
    this.loads = loads;
    // ComfyUI frees no more than a load needs, one model after the other.
    this.ledger = openLedger({
      totalBytes: vramBytes,
      slots: [slot],
      evictionUnit: "allocation",
      evictionOrder: "lru",
    });
  }

  get inVram(): readonly string[] {
    return this.vram;
  }

  /** All that it holds anywhere nearer than on disk, each once. */
  get models(): readonly string[] {
    return [...this.vram, ...[...this.ram.keys()].filter((model) => !this.vram.includes(model))];
  }

  tierOf(model: string): Tier {
    if (this.vram.includes(model)) return "vram";
    return this.ram.has(model) ? "ram" : "disk";
  }

  /** Seconds that loading what a job needs is expected to take. */
  expectedSeconds({ model, vramBytes }: MemoryNeed): number {
    const tier = this.tierOf(model);
    if (tier === "vram") return 0;
    const seconds = tier === "ram" ? this.loads.ramSeconds : this.loads.diskSeconds;
    return seconds * weight(vramBytes);
  }

  /** A run begins: it is admitted to the card, where others may have to leave for it. */
  begin(lease: string, need: MemoryNeed, nowSeconds: number): void {
    const request = this.requestFor(lease, need);
    const decision = decideAdmission(this.ledger, request);
    if (decision.action !== "admit") throw new Error(`job ${lease}: ${decision.reason}`);
    this.ledger = beginRun(this.ledger, request, decision, nowSeconds * 1000);
    this.noteCard();
    this.touch(need);
  }

  /** The run has ended, however it did: its model stays. */
  end(lease: string, nowSeconds: number): void {
    this.ledger = endRun(this.ledger, lease, nowSeconds * 1000);
  }

  /** Brings a job's model into RAM only. */
  prefetch(need: MemoryNeed): void {
    this.touch(need);
  }

  private requestFor(lease: string, { model, vramBytes }: MemoryNeed): MemoryRequest {
    const bytes = modelBytes(vramBytes);
    const reloadMs = 1000 * this.loads.diskSeconds * weight(vramBytes);
    return {
      slot,
      lease,
      models: [{ name: model, bytes, reloadMs }],
      inferenceBytes: vramBytes - bytes,
      priority: 1,
      hasLargerCard: false,
    };
  }

  private noteCard(): void {
    const models = this.ledger.allocations.filter(({ pool }) => pool === "models");
    this.vram = models.map(({ name }) => name);
  }

  private touch({ model, vramBytes }: MemoryNeed): void {
    const bytes = modelBytes(vramBytes);
    this.ramBytes += bytes - (this.ram.get(model) ?? 0);
    this.ram.delete(model);
    this.ram.set(model, bytes);
    for (const [oldest, oldestBytes] of this.ram) {
      if (this.ramBytes <= this.loads.ramBytes || oldest === model) return;
      this.ram.delete(oldest);
      this.ramBytes -= oldestBytes;
    }
  }
}
