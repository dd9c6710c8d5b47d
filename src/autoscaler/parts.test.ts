import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chooseOffer } from "./choose-offer.ts";
import { breakEvenMs, cheapestKeepAliveMs, minGaps } from "./keep-alive.ts";
import { policyOf } from "./policy.ts";
import { queueingFloor, waitProbability } from "./queueing-floor.ts";
import { demand, jobs, nowMs, offer, worker } from "./scale-snapshot.suite.ts";
import { courseOf, learnThrift } from "./thrift.ts";
import { countUsefulWorkers } from "./useful-workers.ts";

describe("keep-alive", () => {
  it("is the cold start alone when a cold start is worth nothing", () => {
    expect(breakEvenMs(52_000, 0, offer)).toBe(52_000);
    expect(breakEvenMs(52_000, 75_000, offer)).toBeCloseTo(297_454, -1);
  });

  it("learned from gaps is never dearer on them than any other", () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 10_000 }), {
      minLength: minGaps,
      maxLength: 60,
    });
    const cost = (gapsMs: readonly number[], keepMs: number, returnMs: number): number =>
      gapsMs.reduce((sum, gap) => sum + (gap <= keepMs ? gap : keepMs + returnMs), 0);
    fc.assert(
      fc.property(
        gaps,
        fc.integer({ min: 1, max: 20_000 }),
        fc.nat(20_000),
        (seen, other, back) => {
          const keepMs = cheapestKeepAliveMs(seen, back)!;
          expect(cost(seen, keepMs, back)).toBeLessThanOrEqual(cost(seen, other, back));
        },
      ),
    );
  });

  it("is not learned from a few gaps", () => {
    expect(
      cheapestKeepAliveMs(
        Array.from({ length: minGaps - 1 }, () => 1),
        10,
      ),
    ).toBeUndefined();
  });
});

describe("the useful workers", () => {
  const count = (queued: number, workers = [worker("a")]): number =>
    countUsefulWorkers({
      nowMs,
      jobs: jobs(queued),
      workers,
      patienceMs: 26_000,
      coldStartMs: 52_000,
    }).newWorkers;

  it("are none while the fleet comes through in time, and more for more", () => {
    expect(count(2)).toBe(0);
    expect(count(3)).toBe(1);
    expect(count(10)).toBeGreaterThan(count(5));
    expect(count(200)).toBeLessThan(200);
  });

  it("never outnumber the late jobs, nor shrink when jobs are added", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(5), (queued, idle) => {
        const fleet = Array.from({ length: idle }, (_, index) => worker(String(index)));
        expect(count(queued, fleet)).toBeLessThanOrEqual(queued);
        expect(count(queued + 1, fleet)).toBeGreaterThanOrEqual(count(queued, fleet));
      }),
    );
  });
});

describe("the floor", () => {
  it("covers the load and its deviations, wider for bursts", () => {
    expect(queueingFloor({ ...demand, jobsPerSecond: 0 }, 1)).toBe(0);
    expect(queueingFloor({ ...demand, jobsPerSecond: 1, loadShare: 0 }, 0.5)).toBe(21);
    expect(queueingFloor({ ...demand, jobsPerSecond: 1, loadShare: 0, dispersion: 3.7 }, 0.5)).toBe(
      23,
    );
  });

  it("knows what the deviations buy, by Halfin and Whitt", () => {
    const rounded = [0.5, 1, 1.5, 2].map((sigmas) => Number(waitProbability(sigmas).toFixed(3)));
    expect(rounded).toEqual([0.505, 0.223, 0.085, 0.027]);
  });
});

describe("the choice of an offer", () => {
  const cheap = { ...offer, id: "cheap", microUsdPerHour: 500_000, slowness: 1.5, bootMs: 90_000 };
  const quick = { ...offer, id: "quick", microUsdPerHour: 3_000_000, bootMs: 5_000, slowness: 1.2 };
  const strong = { ...offer, id: "strong", microUsdPerHour: 4_000_000, slowness: 0.2 };
  const choose = (purpose: "base" | "overflow" | "hurry"): string | undefined =>
    chooseOffer([offer, cheap, quick, strong], demand, purpose, nowMs)?.offer.id;

  it("is the cheapest by job for base load and the fastest-starting for overflow", () => {
    expect(choose("base")).toBe("cheap");
    expect(choose("overflow")).toBe("quick");
  });

  it("is what ends the job first in a hurry", () => {
    expect(choose("hurry")).toBe("quick");
    const slow = { ...demand, meanRunMs: 120_000 };
    expect(chooseOffer([offer, quick, strong], slow, "hurry", nowMs)?.offer.id).toBe("strong");
  });
});

describe("thrift", () => {
  it("settles where the promise is just held", () => {
    let thrift = 0.5;
    for (let job = 0; job < 20_000; job++) thrift = learnThrift(thrift, job % 20 !== 0, 0.95);
    expect(thrift).toBeGreaterThan(0.4);
    expect(thrift).toBeLessThan(0.6);
  });

  it("moves patience and keep-alive only for a policy with a goal", () => {
    const policy = policyOf("balanced");
    expect(courseOf(policy, 1)).toMatchObject({ patienceShare: 0.7 });
    const goal = { withinMs: 60_000, share: 0.95 };
    const spends = courseOf({ ...policy, goal }, 0);
    const saves = courseOf({ ...policy, goal }, 1);
    expect(spends.patienceShare).toBeLessThan(saves.patienceShare);
    expect(saves.coldStartMicroUsd).toBe(0);
  });
});
