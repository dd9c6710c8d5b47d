import { expect, it } from "vitest";

import { seedCatalogue } from "../catalogue/seed.ts";
import { billedMs, billingOf, hourlyRate } from "./rate.ts";

const catalogue = seedCatalogue();

function offer(platform: string, gpu: string): (typeof catalogue.offers)[number] {
  const found = catalogue.offers.find((each) => each.platform === platform && each.gpu === gpu);
  if (found === undefined) throw new Error(`no offer ${platform}/${gpu}`);
  return found;
}

it("adds the CPU and memory that come with a GPU by force", () => {
  expect(hourlyRate(offer("cloud-run", "l4"))).toEqual({
    gpuMicroUsd: 672_120,
    cpuMicroUsd: 259_200,
    memoryMicroUsd: 115_200,
    totalMicroUsd: 1_046_520,
  });
  expect(hourlyRate(offer("cloud-run", "rtx-pro-6000")).totalMicroUsd).toBe(3_186_792);
  expect(hourlyRate(offer("container-apps", "t4")).totalMicroUsd).toBe(778_400);
  expect(hourlyRate(offer("runpod", "rtx-4090")).totalMicroUsd).toBe(1_116_000);
});

it("bills a larger shape where one is asked for, never less than the minimum", () => {
  const l4 = offer("cloud-run", "l4");
  expect(hourlyRate(l4, { vcpus: 8, memoryGib: 32 }).totalMicroUsd).toBe(1_420_920);
  expect(hourlyRate(l4, { vcpus: 1, memoryGib: 1 })).toEqual(hourlyRate(l4));
});

it("rounds time up to the granularity, and to the minimum", () => {
  expect(billedMs(billingOf(catalogue, "runpod"), 45_001)).toBe(46_000);
  expect(billedMs(billingOf(catalogue, "ecs"), 45_001)).toBe(60_000);
  expect(billedMs(billingOf(catalogue, "modal"), 45_001)).toBe(45_001);
  expect(billedMs(billingOf(catalogue, "ecs"), 0)).toBe(0);
});

it("knows that own hardware has no idle tail that ends", () => {
  expect(billingOf(catalogue, "local")).toMatchObject({ idleTailMs: null, billsStart: false });
});
