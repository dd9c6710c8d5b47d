import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decideScale } from "../../autoscaler/decide-scale.ts";
import { seededRandom } from "../../kernel/random.ts";
import { defaultGenerator, generateWorkload } from "../generator.ts";
import { overlay } from "../overlay.ts";
import { fifoWarm } from "../policies/ordered.ts";
import type { SimJob, Workload } from "../sim-job.ts";
import { fixedKeepAlive, keda, knative, requestCount } from "./baselines.ts";
import { clairvoyantSeconds, peakConcurrency } from "./clairvoyant.ts";
import { promisedClaims } from "./comparison.ts";
import { HearthScaler } from "./hearth.ts";
import { paretoPlot } from "./pareto-plot.ts";
import { holding, ruleNames, simulateHearth, simulateOther, simulateRule } from "./rules.ts";
import { defaultSite, simulateElasticFleet } from "./run.ts";
import type { ElasticScaler } from "./scaler.ts";

const options = { seed: 1, site: defaultSite };

function generated(days: number, copies: number): Workload {
  const base = generateWorkload({ ...defaultGenerator, days, random: seededRandom(5) });
  return overlay(base, copies, seededRandom(5));
}

function jobsAt(times: readonly number[], warmSeconds = 10): Workload {
  const jobs = times
    .toSorted((left, right) => left - right)
    .map((arrivalSeconds, index): SimJob => ({
      jobId: String(index),
      arrivalSeconds,
      tenant: "t",
      model: `m${index % 3}`,
      priority: "normal",
      warmSeconds,
      kind: "k",
      vramBytes: 1,
      deadlineSeconds: null,
    }));
  return { name: "jobs", jobs };
}

describe("the elastic fleet", () => {
  it("runs the same twice for a seed", () => {
    const workload = generated(2, 1);
    expect(simulateRule("balanced", workload, options)).toEqual(
      simulateRule("balanced", workload, options),
    );
  });

  it("boots, loads, runs, idles and leaves, and pays for all of it", () => {
    const summary = simulateOther(requestCount(1, 5), jobsAt([0]), options);
    // Launched within 1 s, 30 s of boot, a load with chance, 10 s of work, idle until 5 s have passed.
    expect(summary.coldPer1000).toBe(1000);
    expect(summary.paidHours * 3600).toBeGreaterThan(45);
    expect(summary.paidHours * 3600).toBeLessThan(110);
  });

  it("ends every job, and no rule pays less than the work itself", () => {
    const arrivals = fc.array(fc.nat(3_000), { minLength: 1, maxLength: 60 });
    const rules: readonly (() => ElasticScaler)[] = [
      () => keda(),
      () => knative(),
      () => fixedKeepAlive(60),
    ];
    fc.assert(
      fc.property(arrivals, fc.nat(3), (times, which) => {
        const workload = jobsAt(times);
        const create = rules[which];
        const summary =
          create === undefined
            ? simulateHearth(workload, options)
            : simulateOther(create(), workload, options);
        expect(summary.jobs).toBe(times.length);
        expect(summary.paidHours).toBeGreaterThanOrEqual(summary.busyHours - 1e-9);
      }),
      { numRuns: 40 },
    );
  });

  it("knows every rule by its name", () => {
    const workload = jobsAt([0, 1, 2, 500, 501]);
    for (const name of ruleNames) expect(simulateRule(name, workload, options)?.jobs).toBe(5);
    expect(simulateRule("nonsense", workload, options)).toBeUndefined();
  });
});

describe("the clairvoyant reference", () => {
  it("bridges short gaps, comes back after long ones, and counts places", () => {
    // 30 s to come back: first place 30 + 10, gap 5 + 10, then 30 + 10 again.
    expect(clairvoyantSeconds(jobsAt([0, 15, 500]).jobs, 30)).toBe(95);
    expect(clairvoyantSeconds(jobsAt([0, 1]).jobs, 30)).toBe(80);
    expect(peakConcurrency(jobsAt([0, 1, 2, 500]).jobs)).toBe(3);
  });

  it("is never dearer than a rule without waiting and with free loads", () => {
    const times = fc.array(fc.nat(5_000), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(times, fc.integer({ min: 10, max: 200 }), (at, keepSeconds) => {
        const { jobs } = jobsAt(at);
        const freeAt: number[] = [];
        let paid = 0;
        for (const { arrivalSeconds, warmSeconds } of jobs) {
          const place = freeAt.findIndex((free) => free <= arrivalSeconds);
          const gap = place === -1 ? Infinity : arrivalSeconds - freeAt[place]!;
          paid += (gap <= keepSeconds ? gap : Math.min(gap, keepSeconds) + 52) + warmSeconds;
          if (place === -1) paid -= keepSeconds;
          freeAt[place === -1 ? freeAt.length : place] = arrivalSeconds + warmSeconds;
        }
        expect(clairvoyantSeconds(jobs, 52)).toBeLessThanOrEqual(paid + 1e-6);
      }),
    );
  });
});

describe("Hearth's scaling in the simulator", () => {
  it("holds the share that it is asked for on made-up traffic, and spends more for more", () => {
    const workload = generated(3, 4);
    const [some, most] = [0.9, 0.95].map((share) =>
      simulateHearth(workload, { ...options, settings: holding(share) }),
    );
    expect(some!.withinGoal).toBeGreaterThan(0.85);
    expect(most!.withinGoal).toBeGreaterThan(some!.withinGoal);
    expect(most!.paidHours).toBeGreaterThan(some!.paidHours);
  }, 120_000);

  it("costs less than the others' defaults at a share that is no lower", () => {
    const claims = promisedClaims(generated(3, 4), options);
    for (const { against, costRatio, otherShare, hearthShare } of claims.slice(0, 3)) {
      expect(costRatio, against).toBeLessThan(0.9);
      expect(hearthShare, against).toBeGreaterThan(otherShare - 0.02);
    }
  }, 120_000);

  it("decides with the function that the product calls", () => {
    const seen: unknown[] = [];
    class Watched extends HearthScaler {
      protected override decideOn(snapshot: Parameters<typeof decideScale>[0]) {
        const decision = super.decideOn(snapshot);
        seen.push(snapshot);
        expect(decideScale(JSON.parse(JSON.stringify(snapshot)))).toEqual(decision);
        return decision;
      }
    }
    const scaler = new Watched({}, defaultSite);
    simulateElasticFleet(jobsAt([0, 5, 6, 7, 300]), { scaler, dispatcher: fifoWarm() }, options);
    expect(seen.length).toBeGreaterThan(10);
  });
});

describe("the plot", () => {
  it("names every rule and escapes what would break the document", () => {
    const svg = paretoPlot("a <b> & c", [
      { name: "ours", share: 0.96, dollars: 4.2, group: "hearth" },
      { name: "theirs", share: 0.96, dollars: 5.3, group: "other" },
    ]);
    expect(svg).toContain("a &lt;b> &amp; c");
    expect(svg).toContain("ours  $4.20");
    expect(svg.match(/<circle/gu)).toHaveLength(2);
  });
});
