import { describe, expect, it } from "vitest";

import { seededRandom } from "../kernel/random.ts";
import { backTest, serviceQuantile } from "./back-test.ts";
import { learnBand, openBand, upperEdge } from "./conformal.ts";
import { dailyForecast, ewmaForecast, rungFor, weeklyForecast } from "./models.ts";
import { patternsOf } from "./patterns.ts";
import { bucketMs, seriesOf, type Series } from "./series.ts";

const stakes = {
  microUsdPerHour: 1_100_000,
  coldStartMicroUsd: 30_000,
  coldStartMs: 52_000,
  keepAliveMs: 150_000,
};

/** Work by day: nothing at night, much from eight to six; `noise` draws a factor. */
function working(days: number, noise: () => number = () => 1): Series {
  const values = Array.from({ length: days * 144 }, (_, index) => {
    const hour = Math.floor((index % 144) / 6);
    return hour >= 8 && hour < 18 ? 3_000 * noise() : 0;
  });
  return { bucketMs, startMs: 0, values };
}

describe("a series", () => {
  it("has a value for every ten minutes, and none for the running ones", () => {
    const arrivals = [
      { startsAtMs: 0, jobs: 2, runMs: 30_000 },
      { startsAtMs: 2 * bucketMs, jobs: 3, runMs: 0 },
      { startsAtMs: 3 * bucketMs, jobs: 9, runMs: 0 },
    ];
    expect(seriesOf(arrivals, 3.5 * bucketMs, 10_000).values).toEqual([30, 0, 30]);
  });
});

describe("the ladder", () => {
  it("takes the model that the history is long enough for", () => {
    expect([100, 144, 2_015, 2_016].map((count) => rungFor(count).name)).toEqual([
      "level",
      "daily",
      "daily",
      "weekly",
    ]);
  });

  it("follows the level", () => {
    expect(
      ewmaForecast(
        Array.from({ length: 50 }, () => 7),
        1,
      ),
    ).toBeCloseTo(7);
  });

  it("knows that work begins in the morning", () => {
    const { values } = working(5);
    const upToEight = values.slice(0, 4 * 144 + 8 * 6);
    expect(dailyForecast(upToEight, 1)).toBeGreaterThan(900);
    expect(ewmaForecast(upToEight, 1)).toBeLessThan(1);
  });

  it("knows weekends after two weeks", () => {
    const values = Array.from({ length: 21 * 144 }, (_, index) =>
      Math.floor(index / 144) % 7 < 5 ? 400 : 0,
    );
    const friday = values.slice(0, 19 * 144 - 1);
    expect(weeklyForecast(friday, 1)).toBeGreaterThan(300);
    expect(weeklyForecast(friday, 2)).toBeLessThan(30);
  });
});

describe("the band", () => {
  it("covers what it promises, also when the errors change", () => {
    const random = seededRandom(7);
    let band = openBand(0.8);
    let [covered, tested] = [0, 0];
    for (let step = 0; step < 3_000; step++) {
      const value = 100 + (step < 1_500 ? 20 : 60) * (random() - 0.5);
      if (step > 100) {
        tested++;
        if (value <= upperEdge(band, 100)) covered++;
      }
      band = learnBand(band, 100, value);
    }
    expect(covered / tested).toBeGreaterThan(0.75);
    expect(covered / tested).toBeLessThan(0.85);
  });
});

describe("the back-test", () => {
  it("wants the quantile at which surplus and shortage cost the same", () => {
    expect(serviceQuantile(stakes, bucketMs)).toBeCloseTo(0.2, 1);
    expect(serviceQuantile({ ...stakes, coldStartMicroUsd: 1e6 }, bucketMs)).toBeGreaterThan(0.8);
  });

  it("lets a forecast act where the pattern is clear and a cold start dear", () => {
    const random = seededRandom(3);
    const dear = { ...stakes, coldStartMicroUsd: 2_000_000 };
    const test = backTest(
      working(8, () => 0.8 + 0.4 * random()),
      dear,
    );
    expect(test.pays).toBe(true);
    expect(test.forecastMicroUsd).toBeLessThan(test.reactiveMicroUsd);
  });

  it("lets none act on noise, nor after a few hours", () => {
    const random = seededRandom(4);
    const values = Array.from({ length: 8 * 144 }, () => (random() < 0.05 ? 1_500 : 0));
    expect(backTest({ bucketMs, startMs: 0, values }, stakes)).toMatchObject({
      pays: false,
      floorWorkers: 0,
    });
    expect(backTest({ bucketMs, startMs: 0, values: values.slice(0, 30) }, stakes).pays).toBe(
      false,
    );
  });
});

describe("patterns", () => {
  it("name growth, busy hours and bursts", () => {
    const grown = Array.from({ length: 2 * 1_008 }, (_, index) => {
      const hour = Math.floor((index % 144) / 6);
      return (hour === 9 ? 100 : 10) * (index < 1_008 ? 1 : 1.5);
    });
    const patterns = patternsOf({ bucketMs, startMs: 0, values: grown });
    expect(patterns.weeklyGrowth).toBeCloseTo(0.5);
    expect(patterns.busiestHours[0]).toBe(9);
    expect(patterns.isBurst).toBe(false);
    expect(patternsOf({ bucketMs, startMs: 0, values: [...grown, 900] }).isBurst).toBe(true);
    expect(patternsOf({ bucketMs, startMs: 0, values: [] }).weeklyGrowth).toBeNull();
  });
});
