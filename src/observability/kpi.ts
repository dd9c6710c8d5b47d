import {
  emptySketch,
  meanOfSketch,
  mergeSketches,
  percentileOfSketch,
  sketchOf,
  type Sketch,
} from "./sketch.ts";

/** The nine key figures; `docs/kpis.md` defines each. */
export const kpiNames = [
  "coldStartMs",
  "modelLoadMs",
  "inferenceMs",
  "totalExecutionMs",
  "peakMemoryBytes",
  "gpuUtilization",
  "costMicroUsd",
  "errorRate",
  "queueWaitMs",
] as const;

export type KpiName = (typeof kpiNames)[number];

/** One attempt's share of them; null where it was not measured. */
export type AttemptKpis = Readonly<Record<KpiName, number | null>>;

/** What many attempts share, in a form that can be merged. */
export interface KpiSummary {
  readonly sketches: Readonly<Record<KpiName, Sketch>>;
}

/** A figure of many attempts. */
export interface KpiFigure {
  readonly count: number;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

export type KpiFigures = Readonly<Record<KpiName, KpiFigure>>;

export interface MeasuredAttempt {
  readonly queuedMs: number;
  readonly claimedMs: number;
  readonly endedMs: number;
  readonly isFailure: boolean;
  readonly peakMemoryBytes: number | null;
  readonly priceMicroUsdPerHour: number | null;
  /** Phases in ms, as the worker reported them. */
  readonly phases: Readonly<Record<string, unknown>>;
}

/** Phases of a worker's start, told with its first attempt only. */
const startPhases = ["capacityMs", "imageMs", "processMs"] as const;

export function attemptKpis(attempt: MeasuredAttempt): AttemptKpis {
  const phase = (name: string): number | null => {
    const value = attempt.phases[name];
    return typeof value === "number" ? value : null;
  };
  const starts = startPhases.map(phase).filter((value) => value !== null);
  const totalMs = Math.max(0, attempt.endedMs - attempt.claimedMs);
  const inferenceMs = phase("executeMs");
  const price = attempt.priceMicroUsdPerHour;
  return {
    coldStartMs: starts.length === 0 ? null : starts.reduce((sum, each) => sum + each, 0),
    modelLoadMs: phase("weightsMs"),
    inferenceMs,
    totalExecutionMs: totalMs,
    peakMemoryBytes: attempt.peakMemoryBytes,
    gpuUtilization:
      inferenceMs === null || totalMs === 0 ? null : Math.min(1, inferenceMs / totalMs),
    costMicroUsd: price === null ? null : (price * totalMs) / 3_600_000,
    errorRate: attempt.isFailure ? 1 : 0,
    queueWaitMs: Math.max(0, attempt.claimedMs - attempt.queuedMs),
  };
}

export function summarize(attempts: readonly AttemptKpis[]): KpiSummary {
  return {
    sketches: forEachKpi((name) =>
      sketchOf(attempts.map((attempt) => attempt[name]).filter((value) => value !== null)),
    ),
  };
}

export function mergeSummaries(summaries: readonly KpiSummary[]): KpiSummary {
  return {
    sketches: forEachKpi((name) =>
      mergeSketches(summaries.map(({ sketches }) => sketches[name] ?? emptySketch)),
    ),
  };
}

export function figuresOf({ sketches }: KpiSummary): KpiFigures {
  return forEachKpi((name) => {
    const sketch = sketches[name];
    return {
      count: sketch.count,
      mean: meanOfSketch(sketch),
      p50: percentileOfSketch(sketch, 50),
      p95: percentileOfSketch(sketch, 95),
      p99: percentileOfSketch(sketch, 99),
      max: sketch.count === 0 ? null : sketch.max,
    };
  });
}

/** What the score is made of; shares between 0 and 1. */
export interface ScoreInput {
  readonly totalExecutionMs: number;
  readonly costMicroUsd: number;
  readonly gpuUtilization: number;
  readonly errorRate: number;
}

/**
 * The score as it was first defined, with utilisation in percent and the cost in dollars. Its parts
 * have different scales: a cost below a cent alone gives hundreds of points.
 */
export function efficiencyScore(input: ScoreInput): number {
  const timeScore = 100 / Math.max(input.totalExecutionMs / 1_000, 1);
  const costScore = 10 / Math.max(input.costMicroUsd / 1_000_000, 0.001);
  const utilizationScore = 100 * input.gpuUtilization;
  const errorScore = 100 * (1 - input.errorRate);
  return (timeScore + costScore + utilizationScore + errorScore) / 4;
}

/** What counts as good, for the normalised score. */
export interface ScoreTargets {
  readonly totalExecutionMs: number;
  readonly costMicroUsd: number;
}

const defaultScoreTargets: ScoreTargets = {
  totalExecutionMs: 10_000,
  costMicroUsd: 10_000,
};

/** Each part from 0 to 100, time and cost at 50 where they meet their target; their mean. */
export function normalizedScore(
  input: ScoreInput,
  targets: ScoreTargets = defaultScoreTargets,
): number {
  const parts = [
    pointsFor(input.totalExecutionMs, targets.totalExecutionMs),
    pointsFor(input.costMicroUsd, targets.costMicroUsd),
    100 * input.gpuUtilization,
    100 * (1 - input.errorRate),
  ];
  return parts.reduce((sum, each) => sum + each, 0) / parts.length;
}

/** 50 where the value meets its target, 100 where it is 0. */
function pointsFor(value: number, target: number): number {
  return (100 * target) / (target + value);
}

function forEachKpi<T>(of: (name: KpiName) => T): Readonly<Record<KpiName, T>> {
  return {
    coldStartMs: of("coldStartMs"),
    modelLoadMs: of("modelLoadMs"),
    inferenceMs: of("inferenceMs"),
    totalExecutionMs: of("totalExecutionMs"),
    peakMemoryBytes: of("peakMemoryBytes"),
    gpuUtilization: of("gpuUtilization"),
    costMicroUsd: of("costMicroUsd"),
    errorRate: of("errorRate"),
    queueWaitMs: of("queueWaitMs"),
  };
}
