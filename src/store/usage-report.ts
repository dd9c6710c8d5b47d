import {
  efficiencyScore,
  figuresOf,
  mergeSummaries,
  normalizedScore,
  type KpiFigures,
} from "../observability/kpi.ts";
import type { UsageCosts, UsageRow, UsageSummary } from "./usage.ts";

export const usageGroupings = ["deployment", "tenant", "model", "day", "hour", "total"] as const;

export type UsageGrouping = (typeof usageGroupings)[number];

/** Hours put together. Times in ms, amounts in micro-dollars, shares between 0 and 1. */
export interface UsageGroup {
  /** A name, a day, an hour, or the models of a set; "total" for all. */
  readonly group: string;
  readonly attempts: number;
  readonly succeeded: number;
  readonly costs: UsageCosts;
  readonly totalMicroUsd: number;
  /** All that was paid, over the attempts that ended; null without any. */
  readonly perAttemptMicroUsd: number | null;
  readonly paidMs: number;
  readonly busyMs: number;
  /** Of the paid time, the share in which something ran; null where nothing was paid for. */
  readonly busyShare: number | null;
  readonly kpis: KpiFigures;
  /** Null as long as nothing has run. */
  readonly efficiencyScore: number | null;
  readonly normalizedScore: number | null;
}

/** Groups hours, in the order of their first appearance. */
export function groupUsage(
  rows: readonly UsageRow[],
  grouping: UsageGrouping,
): readonly UsageGroup[] {
  const groups = Map.groupBy(rows, (row) => groupOf(row, grouping));
  return [...groups].map(([group, members]) =>
    usageGroup(
      group,
      members.map(({ summary }) => summary),
    ),
  );
}

function groupOf(row: UsageRow, grouping: UsageGrouping): string {
  switch (grouping) {
    case "deployment":
      return row.deployment;
    case "tenant":
      return row.tenant;
    case "model":
      return row.models.join(" + ") || "no model";
    case "day":
      return row.hour.toISOString().slice(0, 10);
    case "hour":
      return `${row.hour.toISOString().slice(0, 13)}:00Z`;
    case "total":
      return "total";
  }
}

function usageGroup(group: string, summaries: readonly UsageSummary[]): UsageGroup {
  const total = (of: (summary: UsageSummary) => number): number =>
    summaries.reduce((sum, each) => sum + of(each), 0);
  const costs = {
    runMicroUsd: total((each) => each.costs.runMicroUsd),
    loadMicroUsd: total((each) => each.costs.loadMicroUsd),
    startMicroUsd: total((each) => each.costs.startMicroUsd),
    idleMicroUsd: total((each) => each.costs.idleMicroUsd),
  };
  const totalMicroUsd = Object.values(costs).reduce((sum, each) => sum + each, 0);
  const attempts = total((each) => each.attempts);
  const paidMs = total((each) => each.paidMs);
  const busyMs = total((each) => each.busyMs);
  const kpis = figuresOf(mergeSummaries(summaries));
  const perAttemptMicroUsd = attempts === 0 ? null : totalMicroUsd / attempts;
  const input = perAttemptMicroUsd === null ? null : scoreInput(kpis, perAttemptMicroUsd);
  return {
    group,
    attempts,
    succeeded: total((each) => each.succeeded),
    costs,
    totalMicroUsd,
    perAttemptMicroUsd,
    paidMs,
    busyMs,
    busyShare: paidMs === 0 ? null : Math.min(1, busyMs / paidMs),
    kpis,
    efficiencyScore: input === null ? null : efficiencyScore(input),
    normalizedScore: input === null ? null : normalizedScore(input),
  };
}

function scoreInput(kpis: KpiFigures, costMicroUsd: number): Parameters<typeof efficiencyScore>[0] {
  return {
    totalExecutionMs: kpis.totalExecutionMs.mean ?? 0,
    costMicroUsd,
    gpuUtilization: kpis.gpuUtilization.mean ?? 0,
    errorRate: kpis.errorRate.mean ?? 0,
  };
}
