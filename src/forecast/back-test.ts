import { learnBand, openBand, upperEdge } from "./conformal.ts";
import { rungFor, type Rung } from "./models.ts";
import type { Series } from "./series.ts";

/** What provisioning too much or too little costs, in micro-dollars. */
export interface Stakes {
  readonly microUsdPerHour: number;
  /** What one caller's cold start is worth. */
  readonly coldStartMicroUsd: number;
  /** Boot and load: paid for once more by whoever comes back. */
  readonly coldStartMs: number;
  /** How long a worker stays that nobody forecast. */
  readonly keepAliveMs: number;
}

/** Whether a floor by forecast would have paid over the last days, and what it would be next. */
export interface BackTest {
  readonly rung: Rung["name"];
  readonly buckets: number;
  /** Share of the buckets whose work lay below the band's edge. */
  readonly covered: number;
  readonly reactiveMicroUsd: number;
  readonly forecastMicroUsd: number;
  readonly pays: boolean;
  /** Workers for the next bucket. */
  readonly floorWorkers: number;
}

/** Three days: enough to see, few enough to notice that the pattern is gone. */
const testedBuckets = 3 * 144;
const fewestTested = 72;
/** A forecast that saves less than this is not worth its surprises. */
const leastGain = 0.02;

/** The newsvendor's quantile: as much as the shortage costs, beside what the surplus costs. */
export function serviceQuantile(stakes: Stakes, bucketMs: number): number {
  const over = (stakes.microUsdPerHour * bucketMs) / 3_600_000;
  const under = shortageMicroUsd(stakes);
  return under + over === 0 ? 0.5 : under / (under + over);
}

/**
 * Goes through the last days bucket by bucket, each forecast from what was known before it, and
 * adds up what a floor by forecast and what reacting alone would have cost.
 */
export function backTest(series: Series, stakes: Stakes): BackTest {
  const { values, bucketMs } = series;
  const first = Math.max(12, values.length - testedBuckets);
  const rung = rungFor(first);
  let band = openBand(serviceQuantile(stakes, bucketMs));
  let [reactive, forecast, covered, tested] = [0, 0, 0, 0];
  for (let index = first; index < values.length; index++) {
    const expected = rung.forecast(values.slice(0, index), 1);
    const edge = upperEdge(band, expected);
    const value = values[index] ?? 0;
    const before = workersFor(values[index - 1] ?? 0, bucketMs);
    const needed = workersFor(value, bucketMs);
    const floor = Math.floor(edge / (bucketMs / 1000));
    reactive += costOf(needed, { kept: before, floor: 0 }, stakes, bucketMs);
    forecast += costOf(needed, { kept: before, floor }, stakes, bucketMs);
    if (value <= edge) covered++;
    tested++;
    band = learnBand(band, expected, value);
  }
  const pays = tested >= fewestTested && forecast < reactive * (1 - leastGain);
  const next = upperEdge(band, rungFor(values.length).forecast(values, 1));
  return {
    rung: rung.name,
    buckets: tested,
    covered: tested === 0 ? 0 : covered / tested,
    reactiveMicroUsd: Math.round(reactive),
    forecastMicroUsd: Math.round(forecast),
    pays,
    floorWorkers: pays ? Math.floor(next / (bucketMs / 1000)) : 0,
  };
}

function workersFor(workSeconds: number, bucketMs: number): number {
  return Math.ceil(workSeconds / (bucketMs / 1000) - 1e-9);
}

function shortageMicroUsd({ coldStartMicroUsd, coldStartMs, microUsdPerHour }: Stakes): number {
  return coldStartMicroUsd + (microUsdPerHour * coldStartMs) / 3_600_000;
}

/** A floor idles for the whole bucket, a worker that was kept only for its keep-alive. */
function costOf(
  needed: number,
  have: { readonly kept: number; readonly floor: number },
  stakes: Stakes,
  bucketMs: number,
): number {
  const { kept, floor } = have;
  const idleMs =
    Math.max(0, floor - needed) * bucketMs +
    Math.max(0, kept - Math.max(needed, floor)) * Math.min(stakes.keepAliveMs, bucketMs);
  const shortage = Math.max(0, needed - Math.max(kept, floor));
  return (stakes.microUsdPerHour * idleMs) / 3_600_000 + shortage * shortageMicroUsd(stakes);
}
