import { describe, expect, it } from "vitest";

import { seededRandom } from "../kernel/random.ts";
import {
  defaultFleet,
  fleetPolicies,
  simulateFixedFleet,
  type FleetPolicyName,
} from "./fixed-fleet.ts";
import { defaultGenerator, generateWorkload } from "./generator.ts";
import { overlay } from "./overlay.ts";
import { quantile } from "./statistics.ts";

const policies = Object.keys(fleetPolicies) as FleetPolicyName[];
const faults = { deathsPerWorkerHour: 0.2, outOfMemoryShare: 0.02, slowLoadShare: 0.05 };

function workload(seed: number, requestsPerDay = 400, days = 7) {
  return generateWorkload({
    days,
    requestsPerDay,
    tenants: 200,
    models: 40,
    random: seededRandom(seed),
  });
}

const small = { ...defaultFleet, workers: 2 };

describe("a simulated week", () => {
  it.each(policies)("under %s comes out the same for the same seed, faults included", (policy) => {
    const options = { seed: 7, fleet: small, faults };
    const first = simulateFixedFleet(workload(7), policy, options);
    expect(simulateFixedFleet(workload(7), policy, options)).toEqual(first);
    expect(simulateFixedFleet(workload(7), policy, { ...options, seed: 8 })).not.toEqual(first);
  });
  it.each(policies)("under %s ends every job once, whatever dies", (policy) => {
    const jobs = workload(3);
    const { outcome } = simulateFixedFleet(jobs, policy, { seed: 3, fleet: small, faults });
    const ended = outcome.jobs.map(({ job }) => job.jobId);
    expect(ended.length).toBe(jobs.jobs.length);
    expect(new Set(ended).size).toBe(ended.length);
    expect(outcome.attemptsLost).toBeGreaterThan(0);
  });
  it.each(policies)("under %s pays for no less than run and load", (policy) => {
    const jobs = workload(4);
    const { outcome } = simulateFixedFleet(jobs, policy, { seed: 4, fleet: small });
    const runSeconds = jobs.jobs.reduce((sum, job) => sum + job.warmSeconds, 0);
    expect(outcome.busySeconds).toBeCloseTo(runSeconds + outcome.loadSeconds, 3);
  });
  it("costs the same busy time under every policy when loading is free", () => {
    const loads = { ...defaultFleet.loads, ramSeconds: 0, diskSeconds: 0 };
    const spent = policies.map((policy) =>
      Math.round(
        simulateFixedFleet(workload(5), policy, { seed: 5, fleet: { ...small, loads } }).outcome
          .busySeconds,
      ),
    );
    expect(new Set(spent).size).toBe(1);
  });
});

describe("the generated workload", () => {
  const { jobs } = generateWorkload({
    ...defaultGenerator,
    random: seededRandom(1),
  });
  const counts = new Map<string, number>();
  for (const { model } of jobs) counts.set(model, (counts.get(model) ?? 0) + 1);
  const shares = [...counts.values()].sort((a, b) => b - a).map((count) => count / jobs.length);
  const top = (count: number): number => shares.slice(0, count).reduce((a, b) => a + b, 0);
  it("has the published popularity of models", () => {
    expect(top(1)).toBeGreaterThan(0.26);
    expect(top(1)).toBeLessThan(0.36);
    expect(top(5)).toBeGreaterThan(0.62);
    expect(top(20)).toBeLessThan(0.97);
  });
  it("has the published run times, less what loading took of them", () => {
    const run = jobs.map((job) => job.warmSeconds).sort((a, b) => a - b);
    expect(quantile(run, 0.5)).toBeGreaterThan(13);
    expect(quantile(run, 0.5)).toBeLessThan(17);
    expect(run.reduce((a, b) => a + b, 0) / run.length).toBeCloseTo(18.2, 0);
    expect(quantile(run, 0.95)).toBeLessThan(48);
  });
  it("has the published burstiness of arrivals", () => {
    const gaps = jobs
      .slice(1)
      .map((job, at) => job.arrivalSeconds - (jobs[at]?.arrivalSeconds ?? 0));
    const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(Math.sqrt(variance) / mean).toBeGreaterThan(4);
    expect(Math.sqrt(variance) / mean).toBeLessThan(20);
  });
  it("keeps a tenant at its model as often as published", () => {
    const last = new Map<string, string>();
    let [stayed, repeated] = [0, 0];
    for (const { tenant, model } of jobs) {
      const before = last.get(tenant);
      if (before !== undefined) repeated++;
      if (before === model) stayed++;
      last.set(tenant, model);
    }
    expect(stayed / repeated).toBeGreaterThan(0.7);
    expect(stayed / repeated).toBeLessThan(0.85);
  });
});

describe("an overlay", () => {
  it("keeps hours of the day to within one, and tenants apart", () => {
    const base = workload(9);
    const laid = overlay(base, 2.5, seededRandom(9));
    const size = laid.jobs.length / base.jobs.length;
    expect(size).toBeGreaterThan(2.2);
    expect(size).toBeLessThan(2.8);
    const tenants = new Set(laid.jobs.map(({ tenant }) => tenant.split(".")[1]));
    expect(tenants.size).toBe(3);
    const arrivals = laid.jobs.map((job) => job.arrivalSeconds);
    expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
  });
});
