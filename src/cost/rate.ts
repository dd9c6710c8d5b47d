import { factValue, type Catalogue } from "../catalogue/catalogue.ts";
import type { Offer } from "../catalogue/schema.ts";

/** What a worker needs beside its GPU; the offer's minimum is billed where that is more. */
export interface MachineShape {
  readonly vcpus?: number;
  readonly memoryGib?: number;
}

/** An hour of one running instance, in micro-dollars. */
export interface HourlyRate {
  readonly gpuMicroUsd: number;
  readonly cpuMicroUsd: number;
  readonly memoryMicroUsd: number;
  readonly totalMicroUsd: number;
}

/** GPU and the CPU and memory that have to be paid with it. */
export function hourlyRate(offer: Offer, shape: MachineShape = {}): HourlyRate {
  const vcpus = Math.max(offer.minVcpus, shape.vcpus ?? 0);
  const memoryGib = Math.max(offer.minMemoryGib, shape.memoryGib ?? 0);
  const cpuMicroUsd = Math.round(offer.vcpuMicroUsdPerHour * vcpus);
  const memoryMicroUsd = Math.round(offer.memoryMicroUsdPerGibHour * memoryGib);
  const gpuMicroUsd = offer.gpuMicroUsdPerHour;
  return {
    gpuMicroUsd,
    cpuMicroUsd,
    memoryMicroUsd,
    totalMicroUsd: gpuMicroUsd + cpuMicroUsd + memoryMicroUsd,
  };
}

/** How a platform turns the life of an instance into billed time. */
export interface Billing {
  readonly granularityMs: number;
  readonly minimumMs: number;
  /** Whether the time until the worker is ready is billed. */
  readonly billsStart: boolean;
  /** How long an idle instance lives on unless told otherwise; null: for ever. */
  readonly idleTailMs: number | null;
}

export function billingOf(catalogue: Catalogue, platform: string): Billing {
  const idleTail = catalogue.factByKey.get(`${platform}/idleTailMs`);
  return {
    granularityMs: factValue(catalogue, platform, "billingGranularityMs", 1_000),
    minimumMs: factValue(catalogue, platform, "minimumBilledMs", 0),
    billsStart: factValue(catalogue, platform, "startIsBilled", 1) === 1,
    idleTailMs: idleTail === undefined ? 60_000 : idleTail.value,
  };
}

/** Rounds the life of an instance up to what is billed for it. */
export function billedMs(billing: Billing, lifeMs: number): number {
  if (lifeMs <= 0) return 0;
  const granularityMs = Math.max(1, billing.granularityMs);
  const rounded = Math.ceil(lifeMs / granularityMs) * granularityMs;
  return Math.max(billing.minimumMs, rounded);
}
