import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  attemptKpis,
  efficiencyScore,
  figuresOf,
  mergeSummaries,
  normalizedScore,
  summarize,
} from "./kpi.ts";
import { mergeSketches, percentileOfSketch, sketchOf } from "./sketch.ts";

const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), {
  minLength: 1,
  maxLength: 300,
});

describe("a sketch", () => {
  it("gives percentiles right to 2.5 %, also of what was merged", () => {
    fc.assert(
      fc.property(values, values, fc.constantFrom(50, 90, 95, 99), (one, other, percent) => {
        const merged = mergeSketches([sketchOf(one), sketchOf(other)]);
        const sorted = [...one, ...other].toSorted((left, right) => left - right);
        const exact = sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? 0;
        const found = percentileOfSketch(merged, percent) ?? -1;
        if (exact < 1e-6) expect(found).toBe(0);
        else expect(Math.abs(found - exact) / exact).toBeLessThan(0.026);
      }),
    );
  });

  it("has no percentile of nothing, and survives JSON", () => {
    expect(percentileOfSketch(sketchOf([]), 50)).toBeNull();
    const sketch = sketchOf([0, 1, 1_000]);
    expect(JSON.parse(JSON.stringify(sketch))).toEqual(sketch);
  });
});

describe("key figures", () => {
  const attempt = {
    queuedMs: 1_000,
    claimedMs: 3_000,
    endedMs: 13_000,
    isFailure: false,
    peakMemoryBytes: 7,
    priceMicroUsdPerHour: 3_600_000,
    phases: { capacityMs: 100, imageMs: 200, processMs: 300, weightsMs: 50, executeMs: 8_000 },
  };

  it("are read off an attempt's phases, price and times", () => {
    expect(attemptKpis(attempt)).toEqual({
      coldStartMs: 600,
      modelLoadMs: 50,
      inferenceMs: 8_000,
      totalExecutionMs: 10_000,
      peakMemoryBytes: 7,
      gpuUtilization: 0.8,
      costMicroUsd: 10_000,
      errorRate: 0,
      queueWaitMs: 2_000,
    });
  });

  it("say nothing of what was not measured", () => {
    const bare = { ...attempt, phases: {}, peakMemoryBytes: null, priceMicroUsdPerHour: null };
    expect(attemptKpis(bare)).toMatchObject({
      coldStartMs: null,
      modelLoadMs: null,
      inferenceMs: null,
      gpuUtilization: null,
      costMicroUsd: null,
    });
  });

  it("merge over hours as if they had been one", () => {
    const failed = { ...attempt, isFailure: true, endedMs: 33_000 };
    const parts = [[attempt, attempt, attempt], [failed]];
    const merged = mergeSummaries(parts.map((part) => summarize(part.map(attemptKpis))));
    const { errorRate, totalExecutionMs } = figuresOf(merged);
    expect(errorRate).toMatchObject({ count: 4, mean: 0.25 });
    expect(totalExecutionMs.mean).toBe(15_000);
    expect(merged).toEqual(summarize(parts.flat().map(attemptKpis)));
  });
});

describe("the efficiency score", () => {
  const good = {
    totalExecutionMs: 10_000,
    costMicroUsd: 10_000,
    gpuUtilization: 0.8,
    errorRate: 0.1,
  };

  it("follows its formula to the letter", () => {
    expect(efficiencyScore(good)).toBeCloseTo((10 + 1_000 + 80 + 90) / 4, 9);
    const free = { ...good, totalExecutionMs: 10, costMicroUsd: 0 };
    expect(efficiencyScore(free)).toBeCloseTo((100 + 10_000 + 80 + 90) / 4, 9);
  });

  it("lies between 0 and 100 once normalised, and rewards each part", () => {
    expect(normalizedScore(good)).toBeCloseTo((50 + 50 + 80 + 90) / 4, 9);
    const perfect = { totalExecutionMs: 0, costMicroUsd: 0, gpuUtilization: 1, errorRate: 0 };
    expect(normalizedScore(perfect)).toBe(100);
    const any = fc.record({
      totalExecutionMs: fc.nat(),
      costMicroUsd: fc.nat(),
      gpuUtilization: fc.double({ min: 0, max: 1, noNaN: true }),
      errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(any, (input) => {
        const score = normalizedScore(input);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
      }),
    );
  });
});
