import { describe, expect, it } from "vitest";

import { seedCatalogue } from "../catalogue/seed.ts";
import { advise, runMsOn, workOn, type AdviceInput, type Subject } from "./advise.ts";
import { breakEvens } from "./break-even.ts";
import { estimateOffer } from "./estimate.ts";
import { rulesFor } from "./framework.ts";
import { billedMs, billingOf } from "./rate.ts";
import { guessRunMs } from "./run-time.ts";

const catalogue = seedCatalogue();
const rented = catalogue.offers.filter(({ platform }) => platform !== "local");
const subject: Subject = {
  referenceRunMs: 4_000,
  measuredRunMs: {},
  vramBytes: 12_000_000_000,
  weightsBytes: 7_000_000_000,
  loadBytesPerSecond: 1_000_000_000,
  imagesPerJob: 2,
  shape: {},
};
const input: AdviceInput = {
  subject,
  requestsPerDay: 2_000,
  peakFactor: 2,
  latencyMs: 60_000,
  seed: 1,
  jobs: 200,
};

describe("an estimate", () => {
  const offer = rented.find(({ platform, gpu }) => platform === "ecs" && gpu === "l4")!;
  const work = workOn(catalogue, "l4", subject);

  it("spreads all that is billed over the jobs, and nothing else", () => {
    const arrivals = { timesMs: [0, 20_000_000, 40_000_000], horizonMs: 86_400_000 };
    const estimate = estimateOffer(catalogue, offer, work, arrivals, { warmInstances: 0 });
    const lifeMs = 240_000 + work.loadMs + work.runMs + 300_000;
    const paidMs = billedMs(billingOf(catalogue, "ecs"), lifeMs);
    const instanceMicroUsd = (805_000 * paidMs) / 3_600_000;
    const { storageMicroUsd, fixedMicroUsd } = estimate.lines;
    const sum = estimate.jobMicroUsd - storageMicroUsd - fixedMicroUsd;
    expect(Math.abs(sum - instanceMicroUsd)).toBeLessThanOrEqual(5);
    expect(estimate.coldShare).toBe(1);
    expect(estimate.imageMicroUsd).toBe(Math.round(estimate.jobMicroUsd / 2));
  });

  it("charges storage and fixed fees by the month", () => {
    const day = {
      timesMs: Array.from({ length: 100 }, (_, index) => index),
      horizonMs: 86_400_000,
    };
    const onKubernetes = catalogue.offers.find(({ platform }) => platform === "kubernetes")!;
    const { lines } = estimateOffer(catalogue, onKubernetes, work, day, { warmInstances: 1 });
    expect(lines.fixedMicroUsd).toBe(Math.round(73_000_000 / (100 * (365 / 12))));
  });
});

describe("advice", () => {
  const advice = advise(catalogue, rented, input);

  it("puts what is in time first, by cost, with reasons", () => {
    const late = advice.options.findIndex(({ meetsLatency }) => !meetsLatency);
    const inTime = late === -1 ? advice.options : advice.options.slice(0, late);
    const costs = inTime.map(({ estimate }) => estimate.jobMicroUsd);
    expect(inTime.length).toBeGreaterThan(5);
    expect(costs).toEqual(costs.toSorted((left, right) => left - right));
    expect(inTime.every(({ estimate }) => estimate.latencyP95Ms <= 60_000)).toBe(true);
    expect(advice.options[0]?.reasons.join()).toMatch(/cold|warm|idle/u);
  });

  it("keeps instances warm where the latency leaves no time for a start", () => {
    const quick = advise(catalogue, rented, { ...input, latencyMs: 8_000 });
    const [best] = quick.options;
    expect(best?.meetsLatency).toBe(true);
    const { warmInstances, idleTailMs = 0 } = best!.estimate.keeping;
    expect(warmInstances + (idleTailMs ?? 0)).toBeGreaterThan(0);
    expect(best!.estimate.jobMicroUsd).toBeGreaterThan(advice.options[0]!.estimate.jobMicroUsd);
  });

  it("says that nothing is in time where no card is fast enough", () => {
    const hopeless = advise(catalogue, rented, { ...input, latencyMs: 100 });
    expect(hopeless.options.every(({ meetsLatency }) => !meetsLatency)).toBe(true);
    expect(hopeless.options[0]?.reasons).toContain("the run alone takes longer than is wanted");
  });

  it("leaves out cards without the memory and names them", () => {
    const large = { ...input, subject: { ...subject, vramBytes: 90_000_000_000 } };
    const { options, tooSmall } = advise(catalogue, rented, large);
    const cards = new Set(options.map(({ estimate }) => estimate.offer.gpu));
    expect([...cards].sort()).toEqual(["b200", "b300", "h200", "rtx-pro-6000"]);
    expect(tooSmall).toContain("runpod/rtx-4090/any");
  });

  it("takes a measured time over the usual speed of a card", () => {
    expect(runMsOn(catalogue, "rtx-3090", subject)).toBe(8_000);
    const measured = { ...subject, measuredRunMs: { "rtx-3090": 5_000 } };
    expect(runMsOn(catalogue, "rtx-3090", measured)).toBe(5_000);
  });

  it("names rates at which another offer is the best one, and is right about them", () => {
    const changes = breakEvens(catalogue, rented, input);
    expect(changes.length).toBeGreaterThan(0);
    for (const { requestsPerDay, option } of changes) {
      const there = advise(catalogue, rented, { ...input, requestsPerDay }).options[0];
      expect(there?.estimate.offer).toEqual(option.estimate.offer);
    }
  });
});

describe("the decision framework", () => {
  it.each([
    [500, ["runpod"]],
    [2_000, ["modal", "cloud-run"]],
    [10_000, ["modal", "cloud-run"]],
    [60_000, []],
  ])("points for a latency of %i ms to %j", (latencyMs, platforms) => {
    const rules = rulesFor({ latencyMs, requestsPerDay: 50, priority: "cost", useCase: null });
    expect(rules.find(({ criterion }) => criterion === "latency")).toMatchObject({ platforms });
  });

  it.each([
    ["high-frequency", "runpod"],
    ["prototyping", "modal"],
    ["enterprise", "ecs"],
    ["cost-sensitive", "cloud-run"],
    ["batch", "kubernetes"],
  ] as const)("points for %s to %s", (useCase, platform) => {
    const question = { latencyMs: 1, requestsPerDay: 20_000, priority: "performance" } as const;
    const [first, , third, fourth] = rulesFor({ ...question, useCase });
    expect(first).toMatchObject({ criterion: "use case", platforms: [platform] });
    expect(third).toMatchObject({ criterion: "cost", platforms: ["ecs"] });
    expect(fourth?.advice).toMatch(/^from 10,000 a day/u);
  });
});

it("guesses the run of a picture and of a film from their steps and pixels", () => {
  expect(guessRunMs({ steps: 20, pixels: 1_048_576, frames: 1 })).toBe(4_146);
  expect(guessRunMs({ steps: 20, pixels: 1_048_576, frames: 10 })).toBe(32_457);
});
