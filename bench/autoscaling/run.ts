import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { seededRandom } from "../../src/kernel/random.ts";
import {
  clairvoyantMicroUsd,
  promisedClaims,
  tunedClaims,
  type Claim,
} from "../../src/simulator/elastic/comparison.ts";
import { ruleNames, simulateHearth, simulateRule } from "../../src/simulator/elastic/rules.ts";
import { defaultSite, type ElasticSummary } from "../../src/simulator/elastic/run.ts";
import { HearthScaler } from "../../src/simulator/elastic/hearth.ts";
import { simulateOther } from "../../src/simulator/elastic/rules.ts";
import { keda } from "../../src/simulator/elastic/baselines.ts";
import { HearthDispatcher } from "../../src/simulator/policies/hearth.ts";
import { defaultLoadModel } from "../../src/simulator/residency.ts";
import { defaultGenerator, generateWorkload } from "../../src/simulator/generator.ts";
import { overlay } from "../../src/simulator/overlay.ts";
import type { Workload } from "../../src/simulator/sim-job.ts";
import { parseTraceCsv } from "../../src/simulator/trace-csv.ts";

/**
 * Holds the promises of docs/autoscaling.md on a trace, or on the fitted generator: every rule with
 * its documented defaults, and the others once more tuned on the first half of the trace and judged
 * on the second. Ends with 1 if a promise is broken.
 */
const { values } = parseArgs({
  options: {
    trace: { type: "string" },
    seeds: { type: "string", default: "1,2,3" },
    copies: { type: "string", default: "10,12" },
    tune: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const seeds = values.seeds.split(",").map(Number);
const loads = values.copies.split(",").map(Number);

function baseWorkload(seed: number): Workload {
  if (values.trace === undefined) {
    return generateWorkload({ ...defaultGenerator, random: seededRandom(seed) });
  }
  const parsed = parseTraceCsv(values.trace, readFileSync(values.trace, "utf8"));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function halves(workload: Workload): readonly [Workload, Workload] {
  const [first, last] = [workload.jobs[0], workload.jobs.at(-1)];
  const middle = ((first?.arrivalSeconds ?? 0) + (last?.arrivalSeconds ?? 0)) / 2;
  const part = (name: string, isIn: (seconds: number) => boolean): Workload => ({
    name: `${workload.name}, ${name}`,
    jobs: workload.jobs.filter(({ arrivalSeconds }) => isIn(arrivalSeconds)),
  });
  return [part("first half", (at) => at < middle), part("second half", (at) => at >= middle)];
}

const dollars = (microUsd: number): string => (microUsd / 1e6).toFixed(2);
const share = (value: number): string => value.toFixed(4);

function summaryRow(summary: ElasticSummary): object {
  return {
    rule: summary.policy,
    "in 60 s": share(summary.withinGoal),
    "p95 s": summary.p95Seconds.toFixed(0),
    "p99 s": summary.p99Seconds.toFixed(0),
    "cold/1k": summary.coldPer1000.toFixed(0),
    "loads/1k": summary.swapsPer1000.toFixed(0),
    "GPU h": summary.paidHours.toFixed(0),
    "$/1k images": dollars(summary.microUsdPer1000Images),
    peak: summary.peakWorkers,
  };
}

function claimRow(claim: Claim): object {
  return {
    against: claim.against,
    "its share": share(claim.otherShare),
    "its $": dollars(claim.otherMicroUsd),
    "our share": share(claim.hearthShare),
    "our $": dollars(claim.hearthMicroUsd),
    ratio: claim.costRatio.toFixed(3),
    bar: claim.mostRatio.toFixed(2),
    holds: claim.holds ? "yes" : "NO",
  };
}

let broken = 0;
for (const copies of loads) {
  for (const seed of seeds) {
    const base = baseWorkload(seed);
    const workload = overlay(base, copies, seededRandom(seed));
    const options = { seed, site: defaultSite };
    console.log(`\n${workload.name}: ${workload.jobs.length} jobs, seed ${seed}`);
    if (seed === seeds[0]) {
      const all = ruleNames.flatMap((name) => simulateRule(name, workload, options) ?? []);
      console.table(all.map(summaryRow));
      // The same scaling without our order of work, and the other way round.
      const plain = new HearthScaler({}, defaultSite);
      const mixed = [
        { ...simulateOther(plain, workload, options), policy: "balanced, fifo + warm, no fetch" },
        {
          ...simulateOther(keda(), workload, options, new HearthDispatcher(defaultLoadModel)),
          policy: "KEDA, our order of work",
        },
        {
          ...simulateOther(
            keda(),
            workload,
            { ...options, site: { ...defaultSite, fetchesWhileBooting: true } },
            new HearthDispatcher(defaultLoadModel),
          ),
          policy: "KEDA, our order of work and fetch",
        },
        simulateHearth(workload, { ...options, settings: { policy: { keepAlive: "empirical" } } }),
      ];
      console.table(mixed.map(summaryRow));
      const fetching = clairvoyantMicroUsd(workload, options, defaultSite.bootSeconds + 3);
      console.log(`clairvoyant with our shorter cold start of 33 s: $${dollars(fetching)}`);
    }
    const claims = promisedClaims(workload, options);
    console.table(claims.map(claimRow));
    broken += claims.filter(({ holds }) => !holds).length;
    if (values.tune && seed === seeds[0]) {
      const [training, heldOut] = halves(base).map((half) =>
        overlay(half, copies, seededRandom(seed)),
      ) as [Workload, Workload];
      console.log("the others tuned on the first half, judged on the second (no bar but 1)");
      console.table(tunedClaims(training, heldOut, options).map(claimRow));
    }
  }
}
console.log(broken === 0 ? "\nevery promise holds" : `\n${broken} promises are broken`);
process.exitCode = broken === 0 ? 0 : 1;
