import { factValue, type Catalogue } from "../catalogue/catalogue.ts";
import type { Offer } from "../catalogue/schema.ts";
import { ratedMicroUsd } from "../kernel/money.ts";
import { billedMs, billingOf, hourlyRate, type HourlyRate, type MachineShape } from "./rate.ts";
import { replayFleet, type ReplayResult } from "./replay.ts";
import type { Arrivals } from "./traffic.ts";

/** The work, as one card does it. */
export interface Work {
  readonly runMs: number;
  /** The weights, from the volume or disk to the card. */
  readonly loadMs: number;
  readonly imagesPerJob: number;
  /** Weights and image kept on the platform all month. */
  readonly storageGib: number;
  readonly shape: MachineShape;
}

/** How instances are kept warm. */
export interface Keeping {
  /** Undefined: the platform's own habit. Null: for ever. */
  readonly idleTailMs?: number | null;
  readonly warmInstances: number;
}

/** One job's share of everything that is paid, in micro-dollars. */
export interface CostLines {
  readonly runMicroUsd: number;
  readonly startMicroUsd: number;
  readonly loadMicroUsd: number;
  readonly idleMicroUsd: number;
  /** Billed beyond the life of the instance: minimums and rounding. */
  readonly roundingMicroUsd: number;
  readonly storageMicroUsd: number;
  readonly fixedMicroUsd: number;
}

export interface Estimate {
  readonly offer: Offer;
  readonly keeping: Keeping;
  readonly rate: HourlyRate;
  readonly lines: CostLines;
  readonly jobMicroUsd: number;
  readonly imageMicroUsd: number;
  readonly monthMicroUsd: number;
  readonly coldShare: number;
  readonly latencyP50Ms: number;
  readonly latencyP95Ms: number;
  readonly peakInstances: number;
}

const daysPerMonth = 365 / 12;
const dayMs = 86_400_000;

/**
 * Plays the arrivals on an offer's instances and spreads all that is billed over the jobs: runs,
 * starts, loads, idle time, rounding, storage and fixed fees.
 */
export function estimateOffer(
  catalogue: Catalogue,
  offer: Offer,
  work: Work,
  arrivals: Arrivals,
  keeping: Keeping,
): Estimate {
  const billing = billingOf(catalogue, offer.platform);
  const startMs = factValue(catalogue, offer.platform, "startTypicalMs", 60_000);
  const tailMs = keeping.idleTailMs === undefined ? billing.idleTailMs : keeping.idleTailMs;
  const isAlwaysOn = billing.idleTailMs === null;
  const warmInstances = isAlwaysOn ? Math.max(1, keeping.warmInstances) : keeping.warmInstances;
  const limit = factValue(catalogue, offer.platform, "instances", 1_000);
  const played = replayFleet({
    arrivalsMs: arrivals.timesMs,
    horizonMs: arrivals.horizonMs,
    runMs: work.runMs,
    startMs,
    loadMs: work.loadMs,
    idleTailMs: tailMs,
    warmInstances,
    maxInstances: isAlwaysOn ? warmInstances : limit,
  });
  const rate = hourlyRate(offer, work.shape);
  const jobs = Math.max(1, arrivals.timesMs.length);
  const jobsPerMonth = (jobs * daysPerMonth * dayMs) / arrivals.horizonMs;
  const lines = linesOf(catalogue, offer, { work, played, rate, jobs, jobsPerMonth, startMs });
  const jobMicroUsd = Object.values(lines).reduce((sum: number, each: number) => sum + each, 0);
  return {
    offer,
    keeping,
    rate,
    lines,
    jobMicroUsd,
    imageMicroUsd: Math.round(jobMicroUsd / work.imagesPerJob),
    monthMicroUsd: Math.round(jobMicroUsd * jobsPerMonth),
    coldShare: played.coldJobs / jobs,
    latencyP50Ms: percentileOf(played.latenciesMs, 50),
    latencyP95Ms: percentileOf(played.latenciesMs, 95),
    peakInstances: played.peakInstances,
  };
}

interface Spread {
  readonly work: Work;
  readonly played: ReplayResult;
  readonly rate: HourlyRate;
  readonly jobs: number;
  readonly jobsPerMonth: number;
  readonly startMs: number;
}

function linesOf(catalogue: Catalogue, offer: Offer, spread: Spread): CostLines {
  const { work, played, rate, jobs, jobsPerMonth, startMs } = spread;
  const { platform } = offer;
  const billing = billingOf(catalogue, platform);
  const unbilledMs = billing.billsStart ? 0 : startMs;
  const paidLivesMs = played.lives.map((life) => life.lifeMs - Math.min(unbilledMs, life.startMs));
  const perJob = (ms: number): number => ratedMicroUsd(rate.totalMicroUsd, ms / jobs);
  const monthly = (microUsd: number): number => Math.round(microUsd / jobsPerMonth);
  const lifeMs = sum(paidLivesMs);
  const paidMs = sum(paidLivesMs.map((each) => billedMs(billing, each)));
  const coldMs = (startMs - unbilledMs + work.loadMs) * played.coldJobs;
  const storage = factValue(catalogue, platform, "storageMicroUsdPerGibMonth", 0);
  return {
    runMicroUsd: perJob(work.runMs * jobs),
    startMicroUsd: perJob((startMs - unbilledMs) * played.coldJobs),
    loadMicroUsd: perJob(work.loadMs * played.coldJobs),
    idleMicroUsd: perJob(Math.max(0, lifeMs - coldMs - work.runMs * jobs)),
    roundingMicroUsd: perJob(Math.max(0, paidMs - lifeMs)),
    storageMicroUsd: monthly(storage * work.storageGib),
    fixedMicroUsd: monthly(factValue(catalogue, platform, "fixedMicroUsdPerMonth", 0)),
  };
}

/** Nearest rank; 0 of an empty list. `sorted` ascends. */
function percentileOf(sorted: readonly number[], percent: number): number {
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(0, rank - 1)] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}
