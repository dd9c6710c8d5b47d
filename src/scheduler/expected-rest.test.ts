import { expect, test } from "vitest";

import { expectedRestSeconds } from "./expected-rest.ts";

test("a run within its estimate takes what is left of it", () => {
  expect(expectedRestSeconds({ startedAtSeconds: 100, endsAtSeconds: 130 }, 110)).toBe(20);
});

test("a run over its estimate is not about to end", () => {
  const run = { startedAtSeconds: 100, endsAtSeconds: 130 };
  expect(expectedRestSeconds(run, 131)).toBe(15.5);
  expect(expectedRestSeconds(run, 200)).toBe(50);
  expect(expectedRestSeconds({ startedAtSeconds: 100, endsAtSeconds: 101 }, 102)).toBe(2);
});
