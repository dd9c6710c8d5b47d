import type { SimJob, Workload } from "./sim-job.ts";
import { drawFactor, drawNormal } from "./statistics.ts";

/**
 * A workload fitted to the published statistics of a picture-generating service: how popular its
 * models are, how often a tenant stays with one, when in the day people come, how long pictures
 * take. docs/simulation.md names the figures. Nothing of the service's own records is in it.
 */
export interface GeneratorOptions {
  readonly days: number;
  readonly requestsPerDay: number;
  readonly tenants: number;
  readonly models: number;
  /** Every fourth model needs 36 GiB instead of 12. */
  readonly hasLargeModels?: boolean;
  readonly random: () => number;
}

export const defaultGenerator = {
  days: 14,
  requestsPerDay: 1_300,
  tenants: 4_000,
  models: 87,
} as const;

const daySeconds = 86_400;
const slotSeconds = 600;
const gibibyte = 1024 ** 3;

/** Requests by hour of the day, in parts of 100. */
const hourlyParts: readonly number[] = [
  14, 3.5, 2.8, 2.8, 2.1, 1.1, 1.4, 1.2, 0.5, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 2.3, 8, 11, 2.1,
  4.4, 13.9, 13.9, 13.9,
];
/** Weekends are quiet. */
const dailyFactors: readonly number[] = [1.1, 1.2, 1.15, 1.2, 1.1, 0.45, 0.8];
/** Some days are busier than others, and so are some hours; both as deviations of a logarithm. */
const daySigma = 0.35;
const hourSigma = 0.35;
/** Of the hour's level from one slot to the next: it fades within hours. */
const levelMemory = 0.9;

const sessionRequests = 4;
const gapSeconds = 60;
const gapSigma = 0.9;
/** Of a tenant's next request: the model of its last one. */
const staysWithModel = 0.72;

const imageCounts = [
  { images: 1, share: 0.58, factor: 1 },
  { images: 2, share: 0.08, factor: 1.1 },
  { images: 4, share: 0.2, factor: 1.2 },
  { images: 8, share: 0.14, factor: 1.37 },
] as const;
const loraShare = 0.168;
const loraFactor = 2;
/** Of a request with one picture and no LoRA, on the model that takes average time. */
const plainMeanSeconds = 14.2;
const modelSigma = 0.25;
const requestSigma = 0.42;

interface Draws {
  readonly random: () => number;
  readonly model: () => number;
  readonly tenant: () => number;
  readonly modelFactors: readonly number[];
  readonly lastModels: Map<number, number>;
  readonly largeEvery: number;
}

/** Requests in order of arrival, starting at midnight of day 0. */
export function generateWorkload(options: GeneratorOptions): Workload {
  const { random, days } = options;
  const shares = modelShares(options.models);
  const draws: Draws = {
    random,
    model: drawFrom(shares, random),
    tenant: drawFrom(zipf(options.tenants, 0.8), random),
    modelFactors: drawModelFactors(shares, random),
    lastModels: new Map(),
    largeEvery: options.hasLargeModels === true ? 4 : Infinity,
  };
  const jobs: Omit<SimJob, "jobId">[] = [];
  let [dayFactor, level] = [1, 0];
  for (let start = 0; start < days * daySeconds; start += slotSeconds) {
    level = levelMemory * level + Math.sqrt(1 - levelMemory ** 2) * drawNormal(random);
    if (start % daySeconds === 0) dayFactor = drawFactor(random, daySigma);
    const factor = dayFactor * Math.exp(hourSigma * level - hourSigma ** 2 / 2);
    const sessions = (requestsInSlot(start, options.requestsPerDay) * factor) / sessionRequests;
    for (let count = drawPoisson(sessions, random); count > 0; count--) {
      jobs.push(...session(start + random() * slotSeconds, draws));
    }
  }
  jobs.sort((left, right) => left.arrivalSeconds - right.arrivalSeconds);
  return { name: "generated", jobs: jobs.map(number) };
}

function number(job: Omit<SimJob, "jobId">, index: number): SimJob {
  return { ...job, jobId: String(index) };
}

function requestsInSlot(startSeconds: number, requestsPerDay: number): number {
  const hour = Math.floor((startSeconds % daySeconds) / 3600);
  const day = Math.floor(startSeconds / daySeconds) % 7;
  const parts = (hourlyParts[hour] ?? 0) / 100;
  return (requestsPerDay * parts * (dailyFactors[day] ?? 1) * slotSeconds) / 3600;
}

/** One tenant at work: a few requests, a little apart. */
function session(startSeconds: number, draws: Draws): readonly Omit<SimJob, "jobId">[] {
  const { random } = draws;
  const tenant = draws.tenant();
  const jobs: Omit<SimJob, "jobId">[] = [];
  for (let at = startSeconds; ; at += gapSeconds * Math.exp(gapSigma * drawNormal(random))) {
    const last = draws.lastModels.get(tenant);
    const model = last !== undefined && random() < staysWithModel ? last : draws.model();
    draws.lastModels.set(tenant, model);
    jobs.push(request(at, { tenant, model }, draws));
    if (random() < 1 / sessionRequests) return jobs;
  }
}

function request(
  arrivalSeconds: number,
  of: { readonly tenant: number; readonly model: number },
  { random, modelFactors, largeEvery }: Draws,
): Omit<SimJob, "jobId"> {
  const size = drawImages(random());
  const hasLora = random() < loraShare;
  const meanSeconds =
    plainMeanSeconds * size.factor * (hasLora ? loraFactor : 1) * (modelFactors[of.model] ?? 1);
  return {
    arrivalSeconds,
    tenant: `t${of.tenant}`,
    model: `m${of.model}`,
    priority: "normal",
    warmSeconds: Math.max(1, meanSeconds * drawFactor(random, requestSigma)),
    kind: `m${of.model}, ${size.images} images, ${hasLora ? 1 : 0} loras`,
    vramBytes: (of.model % largeEvery === largeEvery - 1 ? 36 : 12) * gibibyte,
    deadlineSeconds: null,
    images: size.images,
  };
}

function drawImages(draw: number): (typeof imageCounts)[number] {
  let left = draw;
  for (const size of imageCounts) {
    left -= size.share;
    if (left < 0) return size;
  }
  return imageCounts[0];
}

/** How much longer or shorter each model takes; on average over all requests, neither. */
function drawModelFactors(shares: readonly number[], random: () => number): readonly number[] {
  const raw = shares.map(() => drawFactor(random, modelSigma));
  const mean = raw.reduce((sum, factor, index) => sum + factor * (shares[index] ?? 0), 0);
  return raw.map((factor) => factor / mean);
}

/** The first has 31 % of the requests, the first five 70 %, the first twenty 94 %. */
function modelShares(models: number): readonly number[] {
  const tiers = [
    { upTo: 1, share: 0.31 },
    { upTo: 5, share: 0.39 },
    { upTo: 20, share: 0.24 },
    { upTo: Infinity, share: 0.06 },
  ];
  const tierOf = (index: number): number => tiers.findIndex(({ upTo }) => index < upTo);
  const raw = zipf(models, 1);
  const sums = tiers.map((_, tier) =>
    raw.reduce((sum, weight, index) => (tierOf(index) === tier ? sum + weight : sum), 0),
  );
  return raw.map((weight, index) => {
    const tier = tierOf(index);
    return ((tiers[tier]?.share ?? 0) * weight) / (sums[tier] ?? 1);
  });
}

function zipf(count: number, exponent: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => (index + 1) ** -exponent);
}

/** Draws indices with the given weights. */
function drawFrom(weights: readonly number[], random: () => number): () => number {
  const sums: number[] = [];
  let total = 0;
  for (const weight of weights) sums.push((total += weight));
  return () => {
    const mark = random() * total;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) > mark) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Poisson by counting exponential gaps: the mean here is a few sessions. */
function drawPoisson(mean: number, random: () => number): number {
  let count = 0;
  for (let sum = -Math.log(1 - random()); sum < mean; sum -= Math.log(1 - random())) count++;
  return count;
}
