import { expect, it } from "vitest";

import { backoffMs } from "./backoff.ts";

it("waits longer each time, up to a bound, and never not at all", () => {
  const backoff = { minMs: 200, maxMs: 5_000 };
  const waits = [1, 2, 3, 4, 5, 6, 60].map((failures) => backoffMs(failures, backoff, 0.5));
  expect(waits).toEqual([150, 300, 600, 1_200, 2_400, 3_750, 3_750]);
  expect(backoffMs(1, backoff, 0)).toBe(100);
});
