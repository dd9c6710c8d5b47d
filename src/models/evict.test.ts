import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { planEviction, type CachedFile } from "./evict.ts";

const file = (sha256: string, bytes: number, lastUsedMs: number, isKept = false): CachedFile => ({
  sha256,
  bytes,
  lastUsedMs,
  isKept,
});
const roomy = { maxBytes: null, freeBytes: 1_000, floorBytes: 0 };

describe("making room for a model", () => {
  it("evicts nothing while there is room", () => {
    const files = [file("a", 10, 1)];
    expect(planEviction({ ...roomy, files, neededBytes: 1_000 })).toEqual({
      evict: [],
      shortBytes: 0,
    });
  });

  it("evicts what was used longest ago, and no more than it must", () => {
    const files = [file("new", 50, 9), file("old", 30, 1), file("older", 30, 0)];
    const room = { ...roomy, maxBytes: 120, files, neededBytes: 40 };
    expect(planEviction(room).evict).toEqual(["older"]);
    expect(planEviction({ ...room, neededBytes: 50 }).evict).toEqual(["older", "old"]);
  });

  it("keeps a floor of the disk free", () => {
    const files = [file("a", 100, 1)];
    const room = { files, maxBytes: null, neededBytes: 50, freeBytes: 60, floorBytes: 20 };
    expect(planEviction(room).evict).toEqual(["a"]);
  });

  it("spares pinned files and those in use, and evicts nothing in vain", () => {
    const files = [file("kept", 80, 0, true), file("b", 10, 1)];
    const plan = planEviction({ ...roomy, maxBytes: 100, files, neededBytes: 50 });
    expect(plan).toEqual({ evict: [], shortBytes: 30 });
  });

  it("always makes the room it promises", () => {
    const files = fc.uniqueArray(
      fc.tuple(fc.uuid(), fc.nat(100), fc.nat(100), fc.boolean()).map((one) => file(...one)),
      { selector: ({ sha256 }) => sha256 },
    );
    fc.assert(
      fc.property(files, fc.nat(300), fc.nat(500), fc.nat(500), (all, needed, max, free) => {
        const plan = planEviction({
          files: all,
          neededBytes: needed,
          maxBytes: max,
          freeBytes: free,
          floorBytes: 10,
        });
        const gone = all.filter(({ sha256 }) => plan.evict.includes(sha256));
        const freed = gone.reduce((sum, { bytes }) => sum + bytes, 0);
        const held = all.reduce((sum, { bytes }) => sum + bytes, 0);
        expect(gone.some(({ isKept }) => isKept)).toBe(false);
        if (plan.shortBytes > 0) {
          expect(plan.evict).toEqual([]);
          return;
        }
        expect(held - freed + needed).toBeLessThanOrEqual(max);
        expect(free + freed - needed).toBeGreaterThanOrEqual(10);
      }),
    );
  });
});
