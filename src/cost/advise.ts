import { gpuVramBytes, type Catalogue } from "../catalogue/catalogue.ts";
import { offerKey } from "../catalogue/catalogue.ts";
import type { Offer } from "../catalogue/schema.ts";
import { billingOf, type MachineShape } from "./rate.ts";
import { estimateOffer, type Estimate, type Keeping, type Work } from "./estimate.ts";
import { arrivalsOf, type Arrivals } from "./traffic.ts";

/** The workflow as the advisor sees it; run times are those of the RTX 4090. */
export interface Subject {
  readonly referenceRunMs: number;
  /** Measured on a card, by its id; wins over what the reference says. */
  readonly measuredRunMs: Readonly<Record<string, number>>;
  readonly vramBytes: number;
  readonly weightsBytes: number;
  /** How fast weights reach a card. */
  readonly loadBytesPerSecond: number;
  readonly imagesPerJob: number;
  readonly shape: MachineShape;
}

export interface AdviceInput {
  readonly subject: Subject;
  readonly requestsPerDay: number;
  readonly peakFactor: number;
  readonly latencyMs: number;
  readonly seed: number;
  /** About how many jobs to play. */
  readonly jobs: number;
}

export interface Option {
  readonly estimate: Estimate;
  readonly runMs: number;
  readonly meetsLatency: boolean;
  readonly reasons: readonly string[];
}

export interface Advice {
  /** Those that keep the latency first, each group by cost. */
  readonly options: readonly Option[];
  /** Offers whose card is too small, by key. */
  readonly tooSmall: readonly string[];
  /** Jobs that were played. */
  readonly playedJobs: number;
}

/** Idle tails that are tried beside the platform's own. */
const triedTailsMs = [60_000, 300_000] as const;
/** Instances more than this would not be "kept warm" but a fleet of one's own. */
const maxWarm = 50;

/** Plays the traffic on those offers that have the memory, with several ways to keep them warm. */
export function advise(catalogue: Catalogue, offers: readonly Offer[], input: AdviceInput): Advice {
  const arrivals = arrivalsOf(input);
  const fits = offers.filter((offer) => hasMemory(catalogue, offer, input.subject.vramBytes));
  const options = fits.map((offer) => bestOf(catalogue, offer, input, arrivals));
  return {
    options: options.toSorted(byRank),
    tooSmall: offers.filter((offer) => !fits.includes(offer)).map(offerKey),
    playedJobs: arrivals.timesMs.length,
  };
}

/** How long a job runs on a card, by measurement or by the card's usual speed. */
export function runMsOn(catalogue: Catalogue, gpuId: string, subject: Subject): number {
  const measured = subject.measuredRunMs[gpuId];
  if (measured !== undefined) return measured;
  const speed = catalogue.gpuById.get(gpuId)?.speedPermille ?? 1_000;
  return Math.round((subject.referenceRunMs * 1_000) / speed);
}

/** The work of a subject on a card. */
export function workOn(catalogue: Catalogue, gpuId: string, subject: Subject): Work {
  return {
    runMs: runMsOn(catalogue, gpuId, subject),
    loadMs: Math.round((subject.weightsBytes / subject.loadBytesPerSecond) * 1_000),
    imagesPerJob: subject.imagesPerJob,
    storageGib: subject.weightsBytes / 1024 ** 3,
    shape: subject.shape,
  };
}

export function hasMemory(catalogue: Catalogue, offer: Offer, vramBytes: number): boolean {
  const gpu = catalogue.gpuById.get(offer.gpu);
  return gpu !== undefined && gpuVramBytes(gpu) >= vramBytes;
}

function byRank(left: Option, right: Option): number {
  if (left.meetsLatency !== right.meetsLatency) return left.meetsLatency ? -1 : 1;
  const cost = left.estimate.jobMicroUsd - right.estimate.jobMicroUsd;
  return left.meetsLatency
    ? cost
    : left.estimate.latencyP95Ms - right.estimate.latencyP95Ms || cost;
}

/** The cheapest keeping that meets the latency; the fastest one where none does. */
function bestOf(
  catalogue: Catalogue,
  offer: Offer,
  input: AdviceInput,
  arrivals: Arrivals,
): Option {
  const { subject } = input;
  const work = workOn(catalogue, offer.gpu, subject);
  const { runMs } = work;
  const [first, ...rest] = keepingsOf(catalogue, offer, runMs, arrivals).map((keeping) => {
    const estimate = estimateOffer(catalogue, offer, work, arrivals, keeping);
    const meetsLatency = estimate.latencyP95Ms <= input.latencyMs;
    return { estimate, runMs, meetsLatency, reasons: reasonsOf(estimate, work, input) };
  });
  if (first === undefined) throw new Error("There is always one way to keep instances");
  return rest.reduce((best, each) => (byRank(each, best) < 0 ? each : best), first);
}

function keepingsOf(
  catalogue: Catalogue,
  offer: Offer,
  runMs: number,
  arrivals: Arrivals,
): readonly Keeping[] {
  const busy = (arrivals.timesMs.length * runMs) / arrivals.horizonMs;
  const forMean = Math.min(maxWarm, Math.max(1, Math.ceil(busy)));
  const forPeak = Math.min(maxWarm, Math.ceil(2 * busy) + 1);
  const { idleTailMs } = billingOf(catalogue, offer.platform);
  if (idleTailMs === null) {
    return [forMean, forMean + 1, forPeak].map((warmInstances) => ({ warmInstances }));
  }
  const tails = triedTailsMs.filter((tailMs) => tailMs > idleTailMs);
  return [
    { warmInstances: 0 },
    ...tails.map((tailMs) => ({ warmInstances: 0, idleTailMs: tailMs })),
    { warmInstances: 1 },
    { warmInstances: forMean },
    { warmInstances: forPeak },
  ];
}

function reasonsOf(estimate: Estimate, work: Work, input: AdviceInput): readonly string[] {
  const { lines, jobMicroUsd, coldShare, latencyP95Ms, keeping } = estimate;
  const share = (microUsd: number): string =>
    `${Math.round((100 * microUsd) / Math.max(1, jobMicroUsd))} %`;
  const reasons: string[] = [];
  if (keeping.warmInstances > 0) reasons.push(`${keeping.warmInstances} kept warm`);
  if (keeping.idleTailMs !== undefined) {
    reasons.push(`idle for up to ${(keeping.idleTailMs ?? 0) / 1_000} s`);
  }
  if (coldShare >= 0.005) reasons.push(`${(100 * coldShare).toFixed(1)} % of jobs start cold`);
  if (lines.idleMicroUsd * 4 >= jobMicroUsd)
    reasons.push(`idle time is ${share(lines.idleMicroUsd)}`);
  const startMicroUsd = lines.startMicroUsd + lines.loadMicroUsd;
  if (startMicroUsd * 4 >= jobMicroUsd) reasons.push(`starts are ${share(startMicroUsd)}`);
  if (work.runMs > input.latencyMs) reasons.push("the run alone takes longer than is wanted");
  else if (latencyP95Ms > input.latencyMs) reasons.push("cold starts or queues break the latency");
  return reasons;
}
