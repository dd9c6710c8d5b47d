import { expect, it } from "vitest";

import { runFencingOnPrivatePostgres } from "./fencing-run.ts";

it("loses, doubles and misattributes nothing while workers and the database die", async () => {
  const options = { jobs: 400, workers: 16, leaseMs: 300, seed: 1, restarts: 2 };
  const report = await runFencingOnPrivatePostgres(options);
  expect(report).toMatchObject({ lost: 0, doubled: 0, staleAccepted: 0, restarts: 2 });
  expect(report.succeeded + report.poisoned).toBe(400);
  expect(Math.min(report.deaths, report.zombies, report.duplicates)).toBeGreaterThan(0);
}, 120_000);
