import { expect, it } from "vitest";

import { runScale, type ScaleReport } from "./scale.ts";

function expectCalm(report: ScaleReport): void {
  expect(report).toMatchObject({ succeeded: report.jobs, disturbedAttempts: 0 });
  // As many as there were at once, so none was launched twice or came back.
  expect(report.instances).toBe(report.mostWorkers);
  expect(report.launchReasons.length).toBeGreaterThan(0);
  for (const reason of report.launchReasons) expect(reason).toMatch(/jobs would wait|backlog of/u);
  expect(report.drainReasons).toHaveLength(report.launched);
  for (const reason of report.drainReasons) expect(reason).toMatch(/^idle for \d+ s; after 4 s/u);
}

it("scales from none to three and back, loses no job and launches nothing twice", async () => {
  const report = await runScale(false);
  expectCalm(report);
  expect(report).toMatchObject({ mostWorkers: 3, launched: 3 });
}, 240_000);

it("does so through the death of the leading controller in the middle of it", async () => {
  const report = await runScale(true);
  expectCalm(report);
  expect(report.mostWorkers).toBeLessThanOrEqual(3);
  expect(report.takeoverS).toBeLessThan(10);
}, 240_000);
