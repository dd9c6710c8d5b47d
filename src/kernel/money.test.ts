import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { formatMicroUsd, parseMicroUsd, ratedMicroUsd } from "./money.ts";

describe("money", () => {
  it("rounds half a micro-dollar up", () => {
    expect(ratedMicroUsd(1, 1_800_000)).toBe(1);
    expect(ratedMicroUsd(1, 1_799_999)).toBe(0);
    expect(ratedMicroUsd(1_224_000, 45_000)).toBe(15_300);
  });

  it("stays exact where a double would not", () => {
    const month = 31 * 86_400_000;
    expect(ratedMicroUsd(9_007_199_254_740_991, 3_600_000)).toBe(9_007_199_254_740_991);
    expect(ratedMicroUsd(6_880_000 * 1_000, month)).toBe(6_880_000 * 1_000 * 744);
  });

  it("adds up: parts never differ from the whole by more than their number", () => {
    const parts = fc.array(fc.nat(10_000_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.nat(10_000_000), parts, (rate, ms) => {
        const total = ms.reduce((sum, part) => sum + part, 0);
        const summed = ms.reduce((sum, part) => sum + ratedMicroUsd(rate, part), 0);
        expect(Math.abs(summed - ratedMicroUsd(rate, total))).toBeLessThanOrEqual(ms.length);
      }),
    );
  });

  it("is written the way people read it", () => {
    expect([0, 15_300, 310, 1, 1_050_000, 1_234_567_890].map(formatMicroUsd)).toEqual([
      "$0",
      "$0.0153",
      "$0.00031",
      "$0.000001",
      "$1.05",
      "$1,234.57",
    ]);
  });

  it("is read from dollars, and refused otherwise", () => {
    expect(parseMicroUsd("$25")).toEqual({ ok: true, value: 25_000_000 });
    expect(parseMicroUsd("0.0153")).toEqual({ ok: true, value: 15_300 });
    for (const text of ["", "-1", "1e3", "1.1234567", "free", "25 EUR"]) {
      expect(parseMicroUsd(text).ok).toBe(false);
    }
  });
});
