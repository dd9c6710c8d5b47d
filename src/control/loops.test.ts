import { describe, expect, it } from "vitest";

import { createLogger } from "../observability/logger.ts";
import type { InstanceRecord } from "../store/control.ts";
import type { WorkerRecord } from "../store/workers.ts";
import { runLoop } from "./loop.ts";
import { decideReap } from "./reap.ts";
import { SilenceWatch } from "./silence.ts";

const logger = createLogger({ level: "silent" });

describe("a control loop", () => {
  const options = { name: "test", intervalMs: 1, logger, random: () => 0.5 };

  it("goes on after a pass that failed, and ends when it is told to", async () => {
    const ending = new AbortController();
    let passes = 0;
    await runLoop({
      ...options,
      signal: ending.signal,
      run: async () => {
        passes++;
        if (passes === 3) ending.abort();
        throw new Error("the database is away");
      },
    });
    expect(passes).toBe(3);
  });

  it("never lets two passes overlap", async () => {
    const ending = new AbortController();
    let inside = 0;
    let passes = 0;
    await runLoop({
      ...options,
      signal: ending.signal,
      run: async () => {
        inside++;
        expect(inside).toBe(1);
        await new Promise(setImmediate);
        inside--;
        if (++passes === 5) ending.abort();
      },
    });
    expect(passes).toBe(5);
  });

  it("does not wait for its interval when it is told to end", async () => {
    const ending = new AbortController();
    const running = runLoop({
      ...options,
      intervalMs: 3_600_000,
      signal: ending.signal,
      run: async () => void setImmediate(() => ending.abort()),
    });
    await expect(running).resolves.toBeUndefined();
  });
});

describe("the reaper", () => {
  it.each([
    [29_999, 999_999, "hold"],
    [999_999, 29_999, "hold"],
    [30_000, 30_000, "reap"],
  ])("with %d ms of contact and %d ms of database decides to %s", (reachable, uptime, action) => {
    const snapshot = { reachableForMs: reachable, databaseUptimeMs: uptime, leaseMs: 30_000 };
    expect(decideReap(snapshot).action).toBe(action);
  });
});

describe("watching for silence", () => {
  const rows = [{ id: "a" }, { id: "b" }] as InstanceRecord[];
  const worker = (instanceId: string, seenAtMs: number): WorkerRecord =>
    ({ id: `w-${instanceId}`, instanceId, lastSeenAt: new Date(seenAtMs) }) as WorkerRecord;

  it("finds instances whose workers do not speak any more, or never did", () => {
    const watch = new SilenceWatch(100, 100);
    expect(watch.observe(rows, [worker("a", 1)], 0)).toEqual(new Set());
    expect(watch.observe(rows, [worker("a", 2)], 60)).toEqual(new Set());
    expect(watch.observe(rows, [worker("a", 3)], 120)).toEqual(new Set(["b"]));
    expect(watch.observe(rows, [worker("a", 3)], 220)).toEqual(new Set(["a", "b"]));
  });

  it("does not care what the workers' clocks say", () => {
    const watch = new SilenceWatch(100, 100);
    watch.observe(rows, [worker("a", -999_999), worker("b", 999_999)], 0);
    expect(watch.observe(rows, [worker("a", -999_998), worker("b", 999_999)], 150)).toEqual(
      new Set(["b"]),
    );
  });

  it("is patient with what has not spoken yet, and no longer with what has", () => {
    const watch = new SilenceWatch(100, 1_000);
    watch.observe(rows, [worker("a", 1)], 0);
    watch.observe(rows, [], 10);
    expect(watch.observe(rows, [], 200)).toEqual(new Set(["a"]));
    expect(watch.observe(rows, [], 1_000)).toEqual(new Set(["a", "b"]));
  });

  it("starts anew after a time in which nobody could be heard", () => {
    const watch = new SilenceWatch(100, 100);
    watch.observe(rows, [], 0);
    watch.reset();
    expect(watch.observe(rows, [], 500)).toEqual(new Set());
  });
});
