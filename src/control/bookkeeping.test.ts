import { describe, expect, it } from "vitest";

import { figuresOf } from "../observability/kpi.ts";
import type { PaidUnit, UsageAttempt } from "../store/usage.ts";
import { bookHour } from "./bookkeeping.ts";

const hourMs = Date.parse("2026-03-01T10:00:00Z");
const minute = 60_000;

function at(minutes: number): Date {
  return new Date(hourMs + minutes * minute);
}

function unit(change: Partial<PaidUnit> = {}): PaidUnit {
  return {
    id: "u",
    deploymentId: 1,
    startedAt: at(0),
    endedAt: at(60),
    priceMicroUsdPerHour: 600_000,
    ...change,
  };
}

function attempt(jobId: string, from: number, to: number | null, change = {}): UsageAttempt {
  return {
    jobId,
    epoch: 1,
    unitId: "u",
    deploymentId: 1,
    modelSet: 2,
    submittedAt: at(from - 1),
    requeuedAt: null,
    claimedAt: at(from),
    endedAt: to === null ? null : at(to),
    state: to === null ? "running" : "succeeded",
    failureClass: null,
    timings: { executeMs: 30_000 },
    peakVramBytes: 7,
    ...change,
  };
}

function book(units: readonly PaidUnit[], attempts: readonly UsageAttempt[], toMinutes = 60) {
  return bookHour({ hourMs, toMs: hourMs + toMinutes * minute, units, attempts });
}

describe("the books of an hour", () => {
  it("charge run, start and idle time to those who caused them", () => {
    const attempts = [
      attempt("a", 10, 20, { timings: { weightsMs: 120_000, stageMs: 60_000, executeMs: 1 } }),
      attempt("b", 30, 40, { modelSet: 3, state: "failed" }),
    ];
    const rows = book([unit()], attempts);
    expect(rows).toMatchObject([
      {
        modelSet: 2,
        summary: {
          costs: {
            startMicroUsd: 100_000,
            loadMicroUsd: 10_000,
            runMicroUsd: 90_000,
            idleMicroUsd: 100_000,
          },
          attempts: 1,
          succeeded: 1,
          paidMs: 60 * minute,
          busyMs: 10 * minute,
        },
      },
      {
        modelSet: 3,
        summary: { costs: { runMicroUsd: 100_000, idleMicroUsd: 200_000 }, succeeded: 0 },
      },
    ]);
    const figures = figuresOf(rows[1]!.summary);
    expect(figures.errorRate.mean).toBe(1);
    expect(figures.queueWaitMs.mean).toBe(minute);
    expect(figures.costMicroUsd.mean).toBe(100_000);
  });

  it("count an attempt in the hour in which it ends, and its time in the hours it ran", () => {
    const attempts = [attempt("a", -5, 5), attempt("b", 50, null), attempt("c", 55, 70)];
    const [row] = book([unit({ startedAt: at(-30) })], attempts);
    expect(row?.summary).toMatchObject({ attempts: 1, busyMs: (5 + 10 + 5) * minute });
  });

  it("charge waiting for nothing to the deployment that had the instance", () => {
    expect(book([unit()], [])).toMatchObject([
      { deploymentId: 1, modelSet: 0, summary: { costs: { idleMicroUsd: 600_000 }, attempts: 0 } },
    ]);
  });

  it("know waiting from starting by the hour before", () => {
    const earlier = attempt("a", -20, -10);
    const [row] = book([unit({ startedAt: at(-30) })], [earlier, attempt("b", 30, 40)]);
    expect(row?.summary.costs).toMatchObject({ startMicroUsd: 0, idleMicroUsd: 500_000 });
  });

  it("book a running hour up to now, and no price as no cost", () => {
    const [row] = book([unit({ endedAt: null, priceMicroUsdPerHour: null })], [], 15);
    expect(row?.summary).toMatchObject({ paidMs: 15 * minute, costs: { idleMicroUsd: 0 } });
  });

  it("add up to what the instances cost", () => {
    const units = [unit(), unit({ id: "v", startedAt: at(20), endedAt: null })];
    const attempts = [attempt("a", 5, 6), attempt("b", 21, 50, { unitId: "v", modelSet: 9 })];
    const total = book(units, attempts)
      .flatMap(({ summary }) => Object.values(summary.costs))
      .reduce((sum, each) => sum + each, 0);
    expect(total).toBe(600_000 + 400_000);
  });
});
