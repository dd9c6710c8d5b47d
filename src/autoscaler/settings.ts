import { z } from "zod";

import { policyOf, strategies, type ScalingPolicy } from "./policy.ts";

const workers = z.int().min(0).max(10_000);
const share = z.number().min(0).max(1);
const microUsd = z.int().min(0).max(1_000_000_000);
const durationMs = z.int().min(0).max(86_400_000);

const thresholdsSchema = z.strictObject({
  saveAboveMicroUsd: microUsd.nullable(),
  hurryAboveQueued: z.int().min(0).nullable(),
  hurryAboveLatencyMs: durationMs.nullable(),
  hurryJobsPerWorker: z.int().min(1),
  hurryMaxWorkers: workers,
  savingBatch: z.int().min(1).max(64),
});

const scheduleSchema = z.strictObject({
  name: z.string().min(1).max(60),
  /** Five fields, such as "0 8 * * 1-5". */
  cron: z.string().min(9).max(120),
  /** Such as Europe/Berlin. */
  timezone: z.string().min(1).max(60).default("UTC"),
  forMs: durationMs.min(60_000),
  workers: workers.min(1),
});

/** What an operator sets for a deployment; everything left out is as its strategy has it. */
export const scalingSettingsSchema = z
  .strictObject({
    strategy: z.enum(strategies).default("balanced"),
    minWorkers: workers.default(0),
    maxWorkers: workers.min(1),
    /** By name; all that the controller has where left out. */
    platforms: z.array(z.string().min(1).max(120)).min(1).max(32).optional(),
    policy: z
      .strictObject({
        patienceShare: z.number().min(0.01).max(4),
        coldStartMicroUsd: microUsd,
        keepAlive: z.enum(["break-even", "empirical"]),
        maxKeepAliveMs: durationMs,
        floorSigmas: z.number().min(0).max(4),
        usesForecast: z.boolean(),
        scaleDownCooldownMs: durationMs,
        growthPerMinute: z.number().min(0.1).max(100),
        minBurst: z.int().min(1).max(1000),
        maxSpotShare: share,
        goal: z.strictObject({ withinMs: durationMs.min(1), share: share.max(0.9999) }).nullable(),
      })
      .partial()
      .default({}),
    thresholds: thresholdsSchema.partial().default({}),
    /** Workers at most on a platform, over all deployments. */
    quotas: z.record(z.string(), workers).default({}),
    /** All-in prices an hour, where the catalogue has none or the operator pays another. */
    pricesMicroUsdPerHour: z.record(z.string(), microUsd).default({}),
    hourlyBudgetMicroUsd: microUsd.nullable().default(null),
    schedules: z.array(scheduleSchema).max(32).default([]),
  })
  .refine(({ minWorkers, maxWorkers }) => minWorkers <= maxWorkers, {
    path: ["minWorkers"],
    message: "must not be more than maxWorkers",
  });

export type ScalingSettings = Readonly<z.infer<typeof scalingSettingsSchema>>;

export type WarmSchedule = ScalingSettings["schedules"][number];

/** The strategy with the operator's changes. */
export function policyOfSettings(settings: ScalingSettings): ScalingPolicy {
  const { strategy, policy, thresholds } = settings;
  const given = policyOf(strategy, defined(policy));
  return { ...given, thresholds: { ...given.thresholds, ...defined(thresholds) } };
}

/** Without the fields that are set to undefined, which would hide the strategy's own. */
function defined<T extends object>(change: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
