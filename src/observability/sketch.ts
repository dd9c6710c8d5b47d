/**
 * A summary of measurements that can be merged with others of its kind: counts in buckets whose
 * widths grow by a twentieth, so that a percentile is right to 2.5 %, whatever was merged.
 */
export interface Sketch {
  readonly count: number;
  readonly sum: number;
  readonly max: number;
  /** Zeros, and what is below the smallest bucket. */
  readonly zeros: number;
  /** Counts by the logarithm of their value. */
  readonly buckets: Readonly<Record<string, number>>;
}

const growth = Math.log(1.05);
/** What is less counts as nothing: a microsecond, a millionth of a micro-dollar. */
const smallest = 1e-6;

export const emptySketch: Sketch = { count: 0, sum: 0, max: 0, zeros: 0, buckets: {} };

/** Values are at least 0. */
export function sketchOf(values: readonly number[]): Sketch {
  const buckets: Record<string, number> = {};
  let zeros = 0;
  let sum = 0;
  let max = 0;
  for (const value of values) {
    sum += value;
    max = Math.max(max, value);
    if (value < smallest) zeros++;
    else {
      const key = String(Math.ceil(Math.log(value) / growth));
      buckets[key] = (buckets[key] ?? 0) + 1;
    }
  }
  return { count: values.length, sum, max, zeros, buckets };
}

export function mergeSketches(sketches: readonly Sketch[]): Sketch {
  const buckets: Record<string, number> = {};
  let merged = emptySketch;
  for (const each of sketches) {
    for (const [key, count] of Object.entries(each.buckets)) {
      buckets[key] = (buckets[key] ?? 0) + count;
    }
    merged = {
      count: merged.count + each.count,
      sum: merged.sum + each.sum,
      max: Math.max(merged.max, each.max),
      zeros: merged.zeros + each.zeros,
      buckets,
    };
  }
  return merged;
}

/** Null of an empty sketch. */
export function percentileOfSketch(sketch: Sketch, percent: number): number | null {
  if (sketch.count === 0) return null;
  let left = Math.max(1, Math.ceil((percent / 100) * sketch.count)) - sketch.zeros;
  if (left <= 0) return 0;
  const keys = Object.keys(sketch.buckets)
    .map(Number)
    .toSorted((one, other) => one - other);
  for (const key of keys) {
    left -= sketch.buckets[key] ?? 0;
    // The middle of the bucket, on its logarithmic scale.
    if (left <= 0) return Math.min(sketch.max, Math.exp((key - 0.5) * growth));
  }
  return sketch.max;
}

export function meanOfSketch(sketch: Sketch): number | null {
  return sketch.count === 0 ? null : sketch.sum / sketch.count;
}
