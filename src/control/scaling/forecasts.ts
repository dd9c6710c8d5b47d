import { coldStartMs } from "../../autoscaler/cold-start.ts";
import { breakEvenMs } from "../../autoscaler/keep-alive.ts";
import type { ScaleSnapshot, WorkerFloor } from "../../autoscaler/snapshot.ts";
import { backTest, type BackTest, type Stakes } from "../../forecast/back-test.ts";
import { patternsOf, type Patterns } from "../../forecast/patterns.ts";
import { bucketMs, seriesOf } from "../../forecast/series.ts";
import type { Store } from "../../store/store.ts";

export interface Forecast {
  readonly test: BackTest;
  readonly patterns: Patterns;
}

/** As far back as a weekly season can be learned from. */
const lookBackMs = 62 * 86_400_000;

/** Back-tests a deployment's arrivals, and what the pattern of them is. */
export async function forecastOf(
  store: Store,
  deploymentId: number,
  context: { readonly nowMs: number; readonly meanRunMs: number; readonly stakes: Stakes },
): Promise<Forecast> {
  const { nowMs, meanRunMs, stakes } = context;
  const buckets = await store.scaling.arrivals(deploymentId, new Date(nowMs - lookBackMs));
  const arrivals = buckets.map(({ startsAt, jobs, runMs }) => ({
    startsAtMs: startsAt.getTime(),
    jobs,
    runMs,
  }));
  const series = seriesOf(arrivals, nowMs, meanRunMs);
  return { test: backTest(series, stakes), patterns: patternsOf(series) };
}

/** What is at stake at the first offer's price; undefined where there is none. */
export function stakesOf({ offers, demand, policy }: ScaleSnapshot): Stakes | undefined {
  const [offer] = offers;
  if (offer === undefined) return undefined;
  const { coldStartMicroUsd, maxKeepAliveMs } = policy;
  const startMs = coldStartMs(offer, demand);
  const keepAliveMs = Math.min(breakEvenMs(startMs, coldStartMicroUsd, offer), maxKeepAliveMs);
  const { microUsdPerHour } = offer;
  return { microUsdPerHour, coldStartMicroUsd, coldStartMs: startMs, keepAliveMs };
}

/** The floor of a forecast that pays; none otherwise. */
export function forecastFloors({ test }: Forecast): readonly WorkerFloor[] {
  if (!test.pays || test.floorWorkers === 0) return [];
  const reason = `forecast by ${test.rung}, which paid over ${test.buckets} buckets`;
  return [{ workers: test.floorWorkers, reason }];
}

/** Forecasts are made once for each bucket: they cannot change in between. */
export class ForecastCache {
  private readonly known = new Map<
    number,
    { readonly bucket: number; readonly forecast: Forecast }
  >();

  async get(
    store: Store,
    deploymentId: number,
    context: { readonly nowMs: number; readonly meanRunMs: number; readonly stakes: Stakes },
  ): Promise<Forecast> {
    const bucket = Math.floor(context.nowMs / bucketMs);
    const before = this.known.get(deploymentId);
    if (before?.bucket === bucket) return before.forecast;
    const forecast = await forecastOf(store, deploymentId, context);
    this.known.set(deploymentId, { bucket, forecast });
    return forecast;
  }
}
