import { describe, expect, it } from "vitest";

import { seedCatalogue } from "../catalogue/seed.ts";
import { actualOffer } from "./actual-offer.ts";

const catalogue = seedCatalogue();

describe("the price of what really ran", () => {
  it.each([
    ["runpod", "NVIDIA RTX A5000", "rtx-a5000"],
    ["runpod", "AMPERE_80", "a100-80"],
    ["modal", "L4", "l4"],
    ["ecs", "g6.xlarge", "l4"],
    ["cloud-run", "nvidia-l4", "l4"],
    ["kubernetes", "l4", "l4"],
  ])("is found on %s by the name %s", (platform, gpu, expected) => {
    expect(actualOffer(catalogue, platform, { gpu, region: null })?.gpu).toBe(expected);
  });

  it("is that of the region where there is one", () => {
    const found = actualOffer(catalogue, "container-apps", { gpu: "t4", region: "westus3" });
    expect(found?.region).toBe("westus3");
  });

  it("is unknown for a GPU that the catalogue does not have there", () => {
    const hardware = { gpu: "NVIDIA GTX 970", region: null };
    expect(actualOffer(catalogue, "modal", hardware)).toBeUndefined();
    expect(actualOffer(catalogue, "modal", { gpu: null, region: null })).toBeUndefined();
  });
});
