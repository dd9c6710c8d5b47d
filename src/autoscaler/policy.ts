/** How much service is to be bought; every strategy is a setting of this one policy. */
export interface ScalingPolicy {
  readonly strategy: Strategy;
  /**
   * κ: a job may wait this share of a cold start (boot and load) before a worker is bought for it.
   */
  readonly patienceShare: number;
  /** What one caller's cold start is worth; lengthens the keep-alive. */
  readonly coldStartMicroUsd: number;
  /** `break-even`: cold start plus its value over the price. `empirical`: learned from gaps. */
  readonly keepAlive: "break-even" | "empirical";
  readonly maxKeepAliveMs: number;
  /** Standard deviations of the load that the floor of ready workers covers; 0 for no floor. */
  readonly floorSigmas: number;
  /** Forecasts may raise the floor; only where the back-test of the deployment says they pay. */
  readonly usesForecast: boolean;
  /** No worker is let go within this time after the last launch. */
  readonly scaleDownCooldownMs: number;
  /** At most this many times the fleet is launched in a minute, but always `minBurst`. */
  readonly growthPerMinute: number;
  readonly minBurst: number;
  readonly thresholds: ScalingThresholds;
  /** What callers are promised; `null` leaves patience and keep-alive as they are set. */
  readonly goal: ServiceGoal | null;
  /** Spot workers at most, as a share of the fleet. 0 uses none. */
  readonly maxSpotShare: number;
}

export const strategies = ["cost-first", "performance-first", "balanced", "predictive"] as const;

export type Strategy = (typeof strategies)[number];

/** The share of jobs that are to be done within a time; patience and keep-alive follow it. */
export interface ServiceGoal {
  readonly withinMs: number;
  readonly share: number;
}

/** When a strategy leaves its normal course; null for never. */
export interface ScalingThresholds {
  /** Above this cost of a job the policy saves: cheapest GPU, batches. */
  readonly saveAboveMicroUsd: number | null;
  /** Above this many queued jobs, or this latency, the policy hurries: fastest offer, no patience. */
  readonly hurryAboveQueued: number | null;
  readonly hurryAboveLatencyMs: number | null;
  /** In a hurry one worker for so many queued jobs, and at most so many, are there at least. */
  readonly hurryJobsPerWorker: number;
  readonly hurryMaxWorkers: number;
  /** How many like jobs a worker takes in one go when the policy saves. */
  readonly savingBatch: number;
}

const noHurry = { hurryAboveQueued: null, hurryAboveLatencyMs: null };
const surge = { hurryJobsPerWorker: 5, hurryMaxWorkers: 10, savingBatch: 4 };

const balanced: ScalingPolicy = {
  strategy: "balanced",
  patienceShare: 0.7,
  coldStartMicroUsd: 30_000,
  keepAlive: "break-even",
  maxKeepAliveMs: 900_000,
  floorSigmas: 0,
  usesForecast: false,
  scaleDownCooldownMs: 30_000,
  growthPerMinute: 2,
  minBurst: 4,
  // A critical backlog is served as performance-first would; a dear job as cost-first would.
  thresholds: { ...surge, saveAboveMicroUsd: 50_000, ...noHurry, hurryAboveQueued: 20 },
  goal: null,
  maxSpotShare: 0,
};

const policies: Readonly<Record<Strategy, ScalingPolicy>> = {
  balanced,
  predictive: { ...balanced, strategy: "predictive", usesForecast: true },
  "cost-first": {
    ...balanced,
    strategy: "cost-first",
    patienceShare: 1,
    coldStartMicroUsd: 0,
    thresholds: { ...surge, ...noHurry, saveAboveMicroUsd: 10_000 },
  },
  "performance-first": {
    ...balanced,
    strategy: "performance-first",
    patienceShare: 0.25,
    coldStartMicroUsd: 75_000,
    thresholds: {
      ...surge,
      saveAboveMicroUsd: null,
      hurryAboveQueued: 10,
      hurryAboveLatencyMs: 60_000,
    },
  },
};

/** The strategy's settings, with those that an operator chose otherwise. */
export function policyOf(strategy: Strategy, change: Partial<ScalingPolicy> = {}): ScalingPolicy {
  return { ...policies[strategy], ...change, strategy };
}
