import { describe, expect, it } from "vitest";

import { tiersOf } from "./tiers.ts";

const bytes = new Map([
  ["a", 10],
  ["b", 10],
  ["c", 10],
]);

describe("the tier of a model", () => {
  it("is the disk until somebody has read it", () => {
    const tiers = tiersOf({ bytes, loaded: new Set(), recent: [], cacheBytes: 100 });
    expect([...tiers.values()]).toEqual(["disk", "disk", "disk"]);
  });

  it("is memory for the latest that fit", () => {
    const recent = ["c", "a", "b"];
    const tiers = tiersOf({ bytes, loaded: new Set(), recent, cacheBytes: 25 });
    expect(Object.fromEntries(tiers)).toEqual({ a: "ram", b: "disk", c: "ram" });
  });

  it("is the card for what ComfyUI has loaded and still has on the disk", () => {
    const loaded = new Set(["a", "gone"]);
    const tiers = tiersOf({ bytes, loaded, recent: ["a"], cacheBytes: 100 });
    expect(Object.fromEntries(tiers)).toEqual({ a: "vram", b: "disk", c: "disk" });
  });
});
