import { z } from "zod";

/**
 * How far a figure can be trusted: read at the vendor, read elsewhere, recalled and not checked
 * again, assumed by Hearth, or given by the operator.
 */
const grades = ["vendor", "secondary", "recollection", "assumption", "operator"] as const;

const sourced = {
  source: z.string().min(3).max(200),
  /** The day on which the source said so, as YYYY-MM-DD. */
  asOf: z.iso.date(),
  note: z.string().max(300).optional(),
};

const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/u);
const microUsd = z.int().nonnegative().max(1_000_000_000);
const amount = z.number().positive();

export const gpuSchema = z.strictObject({
  id: slug,
  name: z.string().min(1),
  vramGib: amount,
  bandwidthGbPerSecond: amount,
  /** Tensor TFLOPS without sparsity; GeForce cards with FP32 accumulation. */
  fp16DenseTflops: amount,
  /**
   * Expected speed of a diffusion step, RTX 4090 = 1000. A rule of thumb: seconds measured on the
   * card itself always win over it.
   */
  speedPermille: z.int().positive(),
  watts: amount,
  /** As `nvidia-smi` and torch name the device. */
  deviceNames: z.array(z.string().min(1)).min(1),
  grade: z.enum(grades),
  ...sourced,
});

const roles = ["worker", "front-door"] as const;

const traits = [
  "fast-start",
  "gpu-variety",
  "easy-development",
  "preemptible",
  "enterprise",
  "own-account",
  "batch",
  "always-on",
] as const;

export const platformSchema = z.strictObject({
  id: slug,
  name: z.string().min(1),
  /** `worker`: GPUs run there. `front-door`: a gateway can run there, workers cannot. */
  role: z.enum(roles),
  /** The vendor's settings that keep instances warm. */
  keepWarm: z.string().min(1),
  scalesToZero: z.boolean(),
  /** `any` where the vendor's list is longer than is useful here. */
  regions: z.array(z.string().min(1)).min(1),
  traits: z.array(z.enum(traits)),
  ...sourced,
});

/** Limits and billing habits of platforms; null means that there is no limit. */
export const factNames = [
  "memoryBytes",
  "diskBytes",
  "imageBytes",
  "jobMs",
  "requestBytes",
  "responseBytes",
  "instances",
  "billingGranularityMs",
  "minimumBilledMs",
  "idleTailMs",
  "idleTailMaxMs",
  "storageMicroUsdPerGibMonth",
  "fixedMicroUsdPerMonth",
  "startLowMs",
  "startTypicalMs",
  "startHighMs",
  "startIsBilled",
] as const;

export const factSchema = z.strictObject({
  platform: slug,
  fact: z.enum(factNames),
  value: z.int().nonnegative().nullable(),
  grade: z.enum(grades),
  ...sourced,
});

export const offerSchema = z.strictObject({
  platform: slug,
  gpu: slug,
  /** What to ask the platform for; null where only its live catalogue knows. */
  platformGpu: z.string().min(1).nullable(),
  region: z.string().min(1),
  /** The price as its source writes it: "$0.00031/s" or "$1.90/h". */
  published: z.string().regex(/^\$\d+(?:\.\d+)?\/[sh]$/u),
  gpuMicroUsdPerHour: microUsd,
  vcpuMicroUsdPerHour: microUsd,
  memoryMicroUsdPerGibHour: microUsd,
  /** The least that comes with the GPU and is billed. */
  minVcpus: z.number().nonnegative(),
  minMemoryGib: z.number().nonnegative(),
  grade: z.enum(grades),
  ...sourced,
});

export type Gpu = Readonly<z.infer<typeof gpuSchema>>;
export type Platform = Readonly<z.infer<typeof platformSchema>>;
export type FactName = (typeof factNames)[number];
export type Fact = Readonly<z.infer<typeof factSchema>>;
export type Offer = Readonly<z.infer<typeof offerSchema>>;

export const catalogueSchema = z.strictObject({
  gpus: z.array(gpuSchema),
  platforms: z.array(platformSchema),
  facts: z.array(factSchema),
  offers: z.array(offerSchema),
});

export type CatalogueRows = Readonly<z.infer<typeof catalogueSchema>>;
