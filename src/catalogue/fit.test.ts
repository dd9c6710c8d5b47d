import { describe, expect, it } from "vitest";

import { fitPlatform, type Fit, type Needs } from "./fit.ts";
import { seedCatalogue } from "./seed.ts";

const catalogue = seedCatalogue();
const gib = 1024 ** 3;
const needs: Needs = {
  vramBytes: 20 * gib,
  memoryBytes: 16 * gib,
  imageBytes: 12 * gib,
  runMs: 45_000,
  requestBytes: 40_000,
  responseBytes: null,
  instances: 4,
  gpus: [],
};

function fit(id: string, change: Partial<Needs> = {}): Fit {
  const platform = catalogue.platformById.get(id);
  if (platform === undefined) throw new Error(`no platform ${id}`);
  return fitPlatform(catalogue, platform, { ...needs, ...change });
}

describe("a fit", () => {
  it("names the cards that have the memory, smallest first", () => {
    expect(fit("runpod")).toMatchObject({ verdict: "fits" });
    expect(fit("cloud-run").gpus).toEqual(["l4", "rtx-pro-6000"]);
    expect(fit("container-apps").gpus).toEqual(["a100-80"]);
  });

  it.each([
    ["aws-lambda", {}, "vramBytes", 0],
    ["aws-lambda", { vramBytes: 0 }, "memoryBytes", 10_737_418_240],
    [
      "aws-lambda",
      { vramBytes: 0, memoryBytes: gib, imageBytes: gib, runMs: 1_000_000 },
      "runMs",
      900_000,
    ],
    ["cloud-run", { runMs: 4_000_000 }, "runMs", 3_600_000],
    ["runpod", { requestBytes: 11_000_000 }, "requestBytes", 10_000_000],
    ["modal", { instances: 11 }, "instances", 10],
    ["cloud-run", { vramBytes: 100 * gib }, "vramBytes", 103_079_215_104],
    ["container-apps", { gpus: ["h100-sxm"] }, "vramBytes", 0],
  ] as const)("of %s with %j fails by the number that decides", (id, change, need, allowed) => {
    const found = fit(id, change);
    expect(found.verdict).toBe("does not fit");
    expect(found.deciding).toMatchObject({ need, allowed, holds: false });
    expect(found.deciding?.source).not.toBe("");
  });

  it("is decided by what has the least to spare where everything holds", () => {
    expect(fit("modal", { instances: 9 }).deciding).toMatchObject({
      need: "instances",
      holds: true,
    });
  });

  it("says what it could not hold against anything", () => {
    expect(fit("runpod", { runMs: null }).open).toEqual(["memoryBytes", "runMs", "responseBytes"]);
  });

  it("lets workflows without a GPU run on functions within their limits", () => {
    const small = { vramBytes: 0, memoryBytes: 2 * gib, imageBytes: 4 * gib };
    expect(fit("aws-lambda", small)).toMatchObject({ verdict: "fits", gpus: [] });
  });
});
