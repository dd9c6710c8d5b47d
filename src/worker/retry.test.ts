import { describe, expect, test } from "vitest";

import { Alarm } from "./alarm.ts";
import { waitForSilence } from "./deadman.ts";
import { mapLimited, retrying, within } from "./retry.ts";

const never = new AbortController().signal;
const quick = { minMs: 1, maxMs: 2, signal: never, isRetryable: () => true };

describe("trying again", () => {
  test("ends with success, the last failure, or the abort", async () => {
    let tries = 0;
    const third = (): Promise<number> =>
      ++tries < 3 ? Promise.reject(new Error("not yet")) : Promise.resolve(tries);
    expect(await retrying(third, quick)).toBe(3);
    const fails = (): Promise<never> => Promise.reject(new Error("no"));
    await expect(retrying(fails, { ...quick, maxTries: 2 })).rejects.toThrow("no");
    await expect(retrying(fails, { ...quick, isRetryable: () => false })).rejects.toThrow("no");
    const stop = new AbortController();
    const waiting = retrying(fails, {
      ...quick,
      minMs: 60_000,
      maxMs: 60_000,
      signal: stop.signal,
    });
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
  });

  test("is bounded by time where that is asked for", async () => {
    const wait = (signal: AbortSignal): Promise<never> =>
      retrying(() => Promise.reject(new Error("no")), { ...quick, signal });
    await expect(within(20, [], wait)).rejects.toThrow("not done within 20 ms");
  });
});

describe("work in parallel", () => {
  test("keeps its order and its limit", async () => {
    let running = 0;
    let most = 0;
    const results = await mapLimited([3, 1, 2, 5, 4], 2, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return item * 10;
    });
    expect(results).toEqual([30, 10, 20, 50, 40]);
    expect(most).toBe(2);
  });

  test("begins nothing more after a failure and waits for what runs", async () => {
    const begun: number[] = [];
    const work = mapLimited([1, 2, 3, 4], 1, (item) => {
      begun.push(item);
      return item === 2 ? Promise.reject(new Error("two")) : Promise.resolve();
    });
    await expect(work).rejects.toThrow("two");
    expect(begun).toEqual([1, 2]);
  });
});

describe("an alarm", () => {
  test("wakes by ring, by time and by abort, and remembers a ring that came too early", async () => {
    const alarm = new Alarm();
    alarm.ring();
    await alarm.wait(60_000, []);
    const waiting = alarm.wait(60_000, []);
    alarm.ring();
    await waiting;
    await alarm.wait(1, []);
    const stop = new AbortController();
    const aborted = alarm.wait(60_000, [stop.signal]);
    stop.abort();
    await aborted;
    await alarm.wait(60_000, [stop.signal]);
  });
});

test("a silence is waited for, as long as it is not broken", async () => {
  let silentMs = 0;
  expect(await waitForSilence(() => (silentMs += 10), 30, never)).toBe(true);
  expect(silentMs).toBe(30);
  const stop = new AbortController();
  const waiting = waitForSilence(() => 0, 60_000, stop.signal);
  stop.abort();
  expect(await waiting).toBe(false);
});
