import { expect, it } from "vitest";

import { offerOf } from "./match.ts";
import { seedCatalogue } from "./seed.ts";

const catalogue = seedCatalogue();

it.each([
  ["modal", "A100-80GB", null, "a100-80"],
  ["ecs", "g6.xlarge", "us-east-1", "l4"],
  ["ecs", "p4d.24xlarge", "eu-west-1", "a100-40"],
  ["runpod", "NVIDIA GeForce RTX 4090", null, "rtx-4090"],
  ["cloud-run", "nvidia-l4", "europe-west1", "l4"],
  ["kubernetes", "l40s", null, "l40s"],
  ["runpod-eu", "ADA_24", null, "rtx-4090"],
] as const)("finds the offer on %s for %s", (platform, gpu, region, card) => {
  expect(offerOf(catalogue, { platform, gpu, region })?.gpu).toBe(card);
});

it("takes the dearest card of a pool that mixes cards, and none where nothing is known", () => {
  const pool = offerOf(catalogue, { platform: "runpod", gpu: "ADA_48_PRO", region: null });
  expect(pool?.gpuMicroUsdPerHour).toBe(1_908_000);
  expect(offerOf(catalogue, { platform: "runpod", gpu: null, region: null })).toBeUndefined();
  expect(offerOf(catalogue, { platform: "moon", gpu: "l4", region: null })).toBeUndefined();
  expect(offerOf(catalogue, { platform: "runpods", gpu: "l4", region: null })).toBeUndefined();
  expect(offerOf(catalogue, { platform: "ecs", gpu: "g99", region: null })).toBeUndefined();
});
