import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { EndedAttempt, InstanceObservation, LaunchObservation } from "../../store/scaling.ts";
import { workersOf } from "./fleet-view.ts";
import { launchLimit } from "./launch-limits.ts";
import {
  dispersionOf,
  learnArrivals,
  learnEnd,
  microUsdPerJob,
  p95LatencyMs,
  recall,
} from "./memory.ts";
import { scheduledFloors, scheduleFault } from "./schedules.ts";

const minuteMs = 60_000;

function ended(claimedAtMs: number, endedAtMs: number): EndedAttempt {
  return {
    deploymentId: 1,
    instanceId: "i",
    modelSet: 0,
    submittedAt: new Date(claimedAtMs - 1_000),
    claimedAt: new Date(claimedAtMs),
    endedAt: new Date(endedAtMs),
    isSuccess: true,
    stageMs: null,
  };
}

describe("what the loop learns", () => {
  it("takes in each end once, however often it is told", () => {
    const once = learnEnd(recall({}), ended(1_000, 11_000), null);
    expect(once.runMs).toBe(10_000);
    expect(learnEnd(once, ended(1_000, 11_000), null)).toEqual(once);
  });

  it("finds the gap between jobs that one worker could have run", () => {
    let memory = recall({});
    const spans = [
      [1_000, 10_000],
      [5_000, 12_000],
      [20_000, 30_000],
    ] as const;
    for (const [from, to] of spans) memory = learnEnd(memory, ended(from, to), null);
    expect(memory.gapsMs).toEqual([8_000]);
  });

  it("counts arrivals by the minute and sees bursts in them", () => {
    const arrive = (counts: readonly number[]): number =>
      dispersionOf(
        counts.reduce(
          (memory, jobs, minute) =>
            learnArrivals(memory, jobs, (minute + 1) * minuteMs - 1, (minute + 1) * minuteMs),
          recall({}),
        ),
      );
    expect(arrive(Array.from({ length: 30 }, () => 4))).toBe(0);
    expect(
      arrive(Array.from({ length: 30 }, (_, minute) => (minute % 10 === 0 ? 40 : 0))),
    ).toBeGreaterThan(20);
  });

  it("stays bounded and storable whatever happens", () => {
    const ends = fc.array(fc.tuple(fc.nat(1e6), fc.nat(1e5)), { maxLength: 400 });
    fc.assert(
      fc.property(ends, (spans) => {
        let memory = recall({});
        for (const [from, length] of spans)
          memory = learnEnd(memory, ended(from, from + length), null);
        expect(recall(JSON.parse(JSON.stringify(memory)))).toEqual(memory);
      }),
      { numRuns: 30 },
    );
  });

  it("knows latency and cost only from a few jobs on", () => {
    let memory = recall({});
    expect(p95LatencyMs(memory)).toBeNull();
    for (let job = 1; job <= 10; job++)
      memory = learnEnd(memory, ended(job * 10_000, job * 10_000 + 9_000), null);
    expect(p95LatencyMs(memory)).toBe(10_000);
    // Ten jobs in 90 s on a fleet at $4 an hour.
    expect(microUsdPerJob(memory, 4_000_000)).toBe(10_000);
  });
});

describe("limits on launches", () => {
  const failed = (atMs: number): LaunchObservation => ({
    deploymentId: 1,
    platform: "p",
    createdAt: new Date(atMs),
    goneAt: new Date(atMs + 1),
    wasReady: false,
  });

  it("double with every failure in a row and end with a worker that was ready", () => {
    expect(launchLimit([]).notBeforeMs).toBeNull();
    expect(launchLimit([failed(1_000)]).notBeforeMs).toBe(2_000);
    expect(launchLimit([failed(3_000), failed(2_000), failed(1_000)]).notBeforeMs).toBe(7_000);
    const good = { ...failed(4_000), wasReady: true };
    expect(launchLimit([good, failed(3_000)]).notBeforeMs).toBeNull();
    const underWay = { ...failed(4_000), goneAt: null };
    expect(launchLimit([underWay, failed(3_000)]).notBeforeMs).toBe(4_000);
  });

  it("allow no more than twenty failures an hour", () => {
    const failures = Array.from({ length: 20 }, (_, index) => failed((20 - index) * minuteMs));
    expect(launchLimit(failures).notBeforeMs).toBe(61 * minuteMs);
  });
});

describe("schedules", () => {
  const opening = {
    name: "opening",
    cron: "0 8 * * 1-5",
    timezone: "Europe/Berlin",
    forMs: 36_000_000,
    workers: 2,
  };
  const floorAt = (text: string): number =>
    scheduledFloors([opening], Date.parse(text), 60_000)[0]?.workers ?? 0;

  it("hold from a little before their time until their end, in their own time zone", () => {
    // A Wednesday; Berlin is an hour ahead of UTC.
    expect(floorAt("2026-11-25T06:58:00Z")).toBe(0);
    expect(floorAt("2026-11-25T06:59:30Z")).toBe(2);
    expect(floorAt("2026-11-25T16:59:00Z")).toBe(2);
    expect(floorAt("2026-11-25T17:01:00Z")).toBe(0);
    expect(floorAt("2026-11-28T10:00:00Z")).toBe(0);
  });

  it("that cannot be read say what is wrong", () => {
    expect(scheduleFault(opening)).toBeUndefined();
    expect(scheduleFault({ ...opening, cron: "0 99 * * *" })).toMatch(/99|range|invalid/iu);
    expect(scheduleFault({ ...opening, timezone: "Mars/Olympus" })).toMatch(/time ?zone/iu);
  });
});

describe("the view of the fleet", () => {
  const row: InstanceObservation = {
    deploymentId: 1,
    instanceId: "i",
    platform: "p",
    state: "running",
    createdAt: new Date(0),
    workerId: "w",
    workerState: "ready",
    claimedAt: null,
    estimateMs: null,
    modelSet: null,
  };
  const traces = { freeSinceMs: new Map([["i", 90_000]]), modelSets: new Map() };
  const view = (change: Partial<InstanceObservation>) =>
    workersOf([{ ...row, ...change }], traces, {
      nowMs: 100_000,
      runMs: 20_000,
      bootMs: () => 150_000,
    })[0];

  it("tells booting, idle, busy and draining workers apart", () => {
    expect(view({ workerState: null })).toMatchObject({ state: "booting", freeAtMs: 150_000 });
    expect(view({})).toMatchObject({ state: "idle", idleSinceMs: 90_000 });
    expect(view({ workerState: "draining" })).toMatchObject({
      state: "draining",
      idleSinceMs: null,
    });
    expect(view({ state: "terminating" })).toMatchObject({ state: "draining" });
  });

  it("expects a run that is over its estimate to take half as long again", () => {
    expect(view({ claimedAt: new Date(95_000), estimateMs: 12_000 })?.freeAtMs).toBe(107_000);
    expect(view({ claimedAt: new Date(60_000), estimateMs: 12_000 })?.freeAtMs).toBe(120_000);
  });

  it("never offers a worker for draining that nobody launched", () => {
    expect(view({ instanceId: null, platform: null, state: null })).toMatchObject({
      id: "w",
      offer: "own",
      state: "idle",
      idleSinceMs: null,
    });
  });
});
