import type { Series } from "./series.ts";

/** What a person would say of the traffic. */
export interface Patterns {
  /** This week over the last one; null without two weeks. */
  readonly weeklyGrowth: number | null;
  /** Hours of the day (UTC) with the most work, busiest first, at most three. */
  readonly busiestHours: readonly number[];
  /** 0 is Sunday; busiest first, at most three. */
  readonly busiestWeekdays: readonly number[];
  /** Whether the last bucket holds far more than the hours before it would lead one to expect. */
  readonly isBurst: boolean;
}

const weekBuckets = 7 * 144;
const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Median deviations above the median of the last six hours. */
const burstDeviations = 6;

export function patternsOf({ values, startMs, bucketMs }: Series): Patterns {
  const sum = (from: number, to: number): number =>
    values.slice(Math.max(0, from), Math.max(0, to)).reduce((total, value) => total + value, 0);
  const end = values.length;
  const last = sum(end - 2 * weekBuckets, end - weekBuckets);
  const hours = Array.from({ length: 24 }, () => 0);
  const days = Array.from({ length: 7 }, () => 0);
  for (const [index, value] of values.entries()) {
    const atMs = startMs + index * bucketMs;
    const hour = Math.floor((atMs % dayMs) / hourMs);
    // The first of January 1970 was a Thursday.
    const day = (Math.floor(atMs / dayMs) + 4) % 7;
    hours[hour] = (hours[hour] ?? 0) + value;
    days[day] = (days[day] ?? 0) + value;
  }
  return {
    weeklyGrowth:
      end < 2 * weekBuckets || last === 0 ? null : sum(end - weekBuckets, end) / last - 1,
    busiestHours: busiest(hours),
    busiestWeekdays: busiest(days),
    isBurst: isBurst(values),
  };
}

function busiest(totals: readonly number[]): readonly number[] {
  return totals
    .map((total, index) => ({ total, index }))
    .filter(({ total }) => total > 0)
    .toSorted((left, right) => right.total - left.total || left.index - right.index)
    .slice(0, 3)
    .map(({ index }) => index);
}

function isBurst(values: readonly number[]): boolean {
  const newest = values.at(-1);
  const before = values.slice(-37, -1);
  if (newest === undefined || before.length < 12) return false;
  const middle = median(before);
  const deviation = median(before.map((value) => Math.abs(value - middle)));
  return newest > middle + burstDeviations * Math.max(deviation, middle * 0.1, 1);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
