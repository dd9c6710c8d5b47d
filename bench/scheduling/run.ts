import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";

import { seededRandom } from "../../src/kernel/random.ts";
import { defaultGenerator, generateWorkload } from "../../src/simulator/generator.ts";
import type { Workload } from "../../src/simulator/sim-job.ts";
import { parseTraceCsv } from "../../src/simulator/trace-csv.ts";
import { mean } from "./measure.ts";
import { measureScheduling, type Row, type SchedulingReport } from "./bars.ts";

const { values } = parseArgs({
  options: {
    trace: { type: "string" },
    seeds: { type: "string", default: "1,2,3" },
    workers: { type: "string", default: "16" },
    json: { type: "boolean", default: false },
  },
});

const setting = {
  workload: await readWorkload(values.trace),
  seeds: wholeNumbers("--seeds", values.seeds),
  workers: wholeNumbers("--workers", values.workers)[0] ?? 16,
};
const report = measureScheduling(setting, (step) => process.stderr.write(`${step}\n`));
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else print(report);
process.exitCode = report.bars.every((bar) => bar.passed) ? 0 : 1;

/** A trace file, or two weeks drawn from the fitted generator: always the same two. */
async function readWorkload(path: string | undefined): Promise<Workload> {
  if (path === undefined) {
    return generateWorkload({ ...defaultGenerator, random: seededRandom(20_241_115) });
  }
  const trace = parseTraceCsv(path, await readFile(path, "utf8"));
  if (trace.ok) return trace.value;
  process.stderr.write(`${trace.error}\n`);
  process.exit(2);
}

function wholeNumbers(flag: string, text: string): readonly number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.every((number) => Number.isSafeInteger(number) && number > 0)) return numbers;
  process.stderr.write(`${flag} takes whole numbers above 0 with commas between, not "${text}"\n`);
  process.exit(2);
}

function print(report: SchedulingReport): void {
  const { saturatedCopies, highestLoads, bars, rows } = report;
  console.log(`${setting.workload.name}: ${setting.workload.jobs.length} requests`);
  console.log(`${saturatedCopies} copies saturate ${setting.workers} workers\n`);
  console.table(rows.map(figures));
  const loads = `fifo ${highestLoads.fifo.toFixed(2)}, hearth ${highestLoads.hearth.toFixed(2)}`;
  console.log(`highest load with 90 % within 60 s, in copies: ${loads}\n`);
  for (const { name, measured, bound, passed } of bars) {
    const verdict = passed ? "pass" : "FAIL";
    console.log(`${verdict}  ${name}: ${measured.toFixed(4)} (bar ${bound})`);
  }
}

function figures({ load, copies, policy, runs }: Row): object {
  return {
    load: `${load}, ${copies} copies`,
    policy,
    "within 60 s": runs.map((run) => run.withinGoal.toFixed(4)).join(" "),
    "p95 s": runs.map((run) => run.p95Seconds.toFixed(0)).join(" "),
    "swaps/1000": Math.round(mean(runs.map((run) => run.swapsPer1000))),
    "busy h": Math.round(mean(runs.map((run) => run.busyHours))),
    jain: mean(runs.map((run) => run.jain)).toFixed(3),
  };
}
