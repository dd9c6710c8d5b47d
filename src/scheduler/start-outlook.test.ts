import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { estimateStart } from "./start-outlook.ts";

const known = { jobsAhead: 9, readyWorkers: 4, meanRunMs: 10_000, loadMs: 2_000 };

describe("the outlook of a queued job", () => {
  it("is a range from no loading at all to loading for every job", () => {
    expect(estimateStart(known)).toEqual({ minMs: 20_000, maxMs: 38_000 });
    expect(estimateStart({ ...known, jobsAhead: 0 })).toEqual({ minMs: 0, maxMs: 14_000 });
  });

  it.each([{ jobsAhead: null }, { meanRunMs: null }, { readyWorkers: 0 }])(
    "is not made up from %j",
    (missing) => {
      expect(estimateStart({ ...known, ...missing })).toBeNull();
    },
  );

  it("gets no better with more jobs ahead, and no worse with more workers", () => {
    const amount = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(amount, amount, amount, amount, (jobsAhead, readyWorkers, meanRunMs, loadMs) => {
        const range = (ahead: number, workers: number): readonly number[] => {
          const found = estimateStart({
            jobsAhead: ahead,
            readyWorkers: workers,
            meanRunMs,
            loadMs,
          });
          return [found?.minMs ?? Number.NaN, found?.maxMs ?? Number.NaN];
        };
        const [min = 0, max = 0] = range(jobsAhead, readyWorkers);
        expect(min).toBeLessThan(max);
        expect(range(jobsAhead + 1, readyWorkers)[0]).toBeGreaterThanOrEqual(min);
        expect(range(jobsAhead, readyWorkers + 1)[1]).toBeLessThanOrEqual(max);
      }),
    );
  });
});
