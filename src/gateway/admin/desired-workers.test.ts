import { expect, it } from "vitest";

import { desiredWorkers, type DemandSnapshot } from "./desired-workers.ts";

const snapshot: DemandSnapshot = {
  queued: 3,
  running: 1,
  minWorkers: 0,
  maxWorkers: 10,
  decision: null,
};

it.each([
  ["each job's worker where nobody decides", {}, 4, "demand"],
  ["none where there is nothing to do", { queued: 0, running: 0 }, 0, "demand"],
  ["never fewer than the minimum", { queued: 0, running: 0, minWorkers: 2 }, 2, "demand"],
  ["never more than the maximum", { queued: 1_000 }, 10, "demand"],
  ["the autoscaler's word", { decision: { target: 2, ageMs: 5_000 } }, 2, "autoscaler"],
  [
    "no word of a controller that has gone",
    { decision: { target: 2, ageMs: 121_000 } },
    4,
    "demand",
  ],
] as const)("wants %s", (_, change, workers, source) => {
  expect(desiredWorkers({ ...snapshot, ...change })).toEqual({ workers, source });
});
