import { expect, it } from "vitest";

import { measureScheduling } from "../../bench/scheduling/bars.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import { generateWorkload } from "../../src/simulator/generator.ts";

it("holds a small fleet against every bar, at the load that saturates it", () => {
  const workload = generateWorkload({
    days: 7,
    requestsPerDay: 150,
    tenants: 400,
    models: 30,
    random: seededRandom(1),
  });
  const steps: string[] = [];
  const report = measureScheduling({ workload, seeds: [1], workers: 4 }, (step) => {
    steps.push(step);
  });
  expect(steps.length).toBeGreaterThan(5);
  expect(report.saturatedCopies).toBeGreaterThan(1);
  expect(report.highestLoads.hearth).toBeGreaterThan(report.highestLoads.fifo);
  expect(report.bars.map(({ name }) => name.split(",")[0])).toEqual([
    "share within 60 s at saturation",
    "behind the zero-swap reference",
    "swaps beside fifo's",
    "swaps beside fifo + warm placement's",
    "highest load beside fifo's",
    "behind fifo + warm placement at low load",
  ]);
  for (const { measured } of report.bars) expect(Number.isFinite(measured)).toBe(true);
});
