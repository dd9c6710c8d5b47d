import { describe, expect, it } from "vitest";

import { estimateRunSeconds, learnRun, type RunEstimate } from "./estimate.ts";
import { loadSeconds } from "./load-cost.ts";

const ran = (seconds: number) => ({ seconds, isCensored: false });
const learned = (...samples: readonly number[]): RunEstimate | undefined => {
  let known: RunEstimate | undefined;
  for (const seconds of samples) known = learnRun(known, ran(seconds));
  return known;
};

describe("a learned run time", () => {
  it("is the plain average of the first runs", () => {
    expect(learned(10, 20, 30)?.meanSeconds).toBeCloseTo(20);
  });
  it("follows a change after many runs", () => {
    const many = learned(...Array<number>(50).fill(10), ...Array<number>(15).fill(30));
    expect(many?.meanSeconds).toBeGreaterThan(28);
  });
  it("learns from a timeout only where it ran longer than expected", () => {
    const known = learned(20, 20);
    expect(learnRun(known, { seconds: 5, isCensored: true })).toBe(known);
    expect(learnRun(known, { seconds: 80, isCensored: true }).meanSeconds).toBeCloseTo(40);
  });
});

describe("an estimate", () => {
  it("is the fallback where nothing is known", () => {
    expect(estimateRunSeconds([undefined, undefined], 25)).toBe(25);
  });
  it("leans on the general while the particular has few samples", () => {
    const model = { meanSeconds: 20, samples: 1000 };
    const few = estimateRunSeconds([{ meanSeconds: 60, samples: 1 }, model], 25);
    const many = estimateRunSeconds([{ meanSeconds: 60, samples: 100 }, model], 25);
    expect(few).toBeGreaterThan(20);
    expect(few).toBeLessThan(40);
    expect(many).toBeGreaterThan(58);
  });
});

describe("the time to load", () => {
  const rates = { ramBytesPerSecond: 10, diskBytesPerSecond: 2, networkBytesPerSecond: 1 };
  it("adds up the tiers, and fetches over the network first what is nowhere", () => {
    const tiers = { a: "vram", b: "ram", c: "disk" } as const;
    const needed = ["a", "b", "c", "d"].map((model) => ({ model, bytes: 20 }));
    const tierOf = (model: string) => (model === "d" ? undefined : tiers[model as "a"]);
    expect(loadSeconds(needed, tierOf, rates)).toBe(2 + 10 + 10 + 20);
  });
});
