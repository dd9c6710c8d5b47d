import { expect, it } from "vitest";

import { callPlatform, parseRetryAfterMs, retryAfterMs, type CallFailure } from "./calls.ts";

const unreachable = { kind: "unreachable" } as const;
const throttled = (ms: number | null): CallFailure => ({ kind: "throttled", retryAfterMs: ms });

it.each([
  ["asks again when nobody knows and it is safe", unreachable, true, 1, 375],
  ["does not ask again when that could do it twice", unreachable, false, 1, undefined],
  ["asks again after a throttle, which surely did nothing", throttled(null), false, 1, 375],
  ["waits at least as long as it is told", throttled(3_000), false, 1, 3_000],
  ["leaves a long wait to the next pass", throttled(60_000), false, 1, undefined],
  ["asks four times at most", throttled(1), true, 4, undefined],
  ["takes a refusal for final", { kind: "refused", reason: "no" } as const, true, 1, undefined],
] as const)("%s", (_, failure, isIdempotent, tries, waitMs) => {
  expect(retryAfterMs(failure, isIdempotent, tries, 0.5)).toBe(waitMs);
});

it.each([
  ["2", 2_000],
  ["0", 0],
  ["Thu, 01 Jan 1970 00:00:10 GMT", 4_000],
  ["-1", null],
  ["soon", null],
  ["", null],
  [undefined, null],
])("reads Retry-After %j as %s ms", (header, ms) => {
  expect(parseRetryAfterMs(header, 6_000)).toBe(ms);
});

it("says after how long a throttled platform may be asked again", async () => {
  const patience = { clock: { now: () => 0 }, random: () => 0, sleep: async () => undefined };
  const call = {
    what: "test",
    run: () => Promise.reject(new Error("429")),
    failureOf: () => throttled(42_000),
    isIdempotent: true,
  };
  const expected = { code: "service_unavailable", retryAfterSeconds: 42 };
  await expect(callPlatform(call, patience)).rejects.toMatchObject(expected);
});
