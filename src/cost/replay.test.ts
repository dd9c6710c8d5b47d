import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { replayFleet, type ReplayInput } from "./replay.ts";
import { arrivalsOf } from "./traffic.ts";

const base: ReplayInput = {
  arrivalsMs: [],
  horizonMs: 1_000_000,
  runMs: 10_000,
  startMs: 20_000,
  loadMs: 5_000,
  idleTailMs: 60_000,
  warmInstances: 0,
  maxInstances: 10,
};

describe("a replayed fleet", () => {
  it("serves the first job cold, the next one warm, and leaves after its tail", () => {
    const played = replayFleet({ ...base, arrivalsMs: [0, 50_000] });
    expect(played).toMatchObject({ latenciesMs: [10_000, 35_000], coldJobs: 1, peakInstances: 1 });
    expect(played.lives).toEqual([{ lifeMs: 120_000, startMs: 20_000 }]);
  });

  it("starts cold again after a gap longer than the tail", () => {
    const played = replayFleet({ ...base, arrivalsMs: [0, 200_000] });
    expect(played.coldJobs).toBe(2);
    expect(played.lives.map(({ lifeMs }) => lifeMs)).toEqual([95_000, 95_000]);
  });

  it("lets a job wait where a new instance would not be sooner", () => {
    const { coldJobs, latenciesMs } = replayFleet({ ...base, arrivalsMs: [0, 1, 15_000] });
    expect(coldJobs).toBe(2);
    expect(latenciesMs).toEqual([30_000, 35_000, 35_000]);
  });

  it("gives jobs to the instance that was used last, so that others can leave", () => {
    const later = Array.from({ length: 10 }, (_, index) => 100_000 + index * 30_000);
    const { lives } = replayFleet({ ...base, arrivalsMs: [0, 0, 0, 0, ...later] });
    expect(lives.filter(({ lifeMs }) => lifeMs > 300_000)).toHaveLength(1);
  });

  it("keeps warm instances for the whole time, and machines that never leave", () => {
    const warm = replayFleet({ ...base, warmInstances: 2, arrivalsMs: [0] });
    expect(warm.lives).toEqual([
      { lifeMs: 1_000_000, startMs: 0 },
      { lifeMs: 1_000_000, startMs: 0 },
    ]);
    expect(warm.coldJobs).toBe(0);
    const own = { ...base, idleTailMs: null, warmInstances: 1, maxInstances: 1 };
    expect(replayFleet({ ...own, arrivalsMs: [0, 0] }).latenciesMs).toEqual([10_000, 20_000]);
  });

  it("never pays for less than the work, and runs no more instances than allowed", () => {
    const arrivals = fc
      .array(fc.nat(500_000), { maxLength: 60 })
      .map((times) => times.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 4 }), fc.nat(120_000), (times, max, tail) => {
        const played = replayFleet({
          ...base,
          arrivalsMs: times,
          maxInstances: max,
          idleTailMs: tail,
        });
        const paidMs = played.lives.reduce((sum, { lifeMs }) => sum + lifeMs, 0);
        expect(paidMs).toBeGreaterThanOrEqual(times.length * base.runMs);
        expect(played.peakInstances).toBeLessThanOrEqual(max);
        expect(played.latenciesMs).toHaveLength(times.length);
      }),
    );
  });
});

describe("traffic", () => {
  it("keeps its rate and is the same for the same seed", () => {
    const traffic = { requestsPerDay: 5_000, peakFactor: 2, seed: 3, jobs: 2_000 };
    const { timesMs, horizonMs } = arrivalsOf(traffic);
    expect(horizonMs).toBe(86_400_000);
    expect(timesMs.length).toBeGreaterThan(4_700);
    expect(timesMs.length).toBeLessThan(5_300);
    expect(arrivalsOf(traffic).timesMs).toEqual(timesMs);
    const noon = timesMs.filter((at) => at > horizonMs / 4 && at < (3 * horizonMs) / 4).length;
    expect(noon / timesMs.length).toBeGreaterThan(0.75);
  });

  it("plays more days of little traffic and a part of a day of much", () => {
    const of = (requestsPerDay: number): number =>
      arrivalsOf({ requestsPerDay, peakFactor: 1, seed: 1, jobs: 500 }).horizonMs;
    expect(of(100)).toBe(5 * 86_400_000);
    expect(of(1)).toBe(120 * 86_400_000);
    expect(of(50_000)).toBe(8_640_000);
  });
});
