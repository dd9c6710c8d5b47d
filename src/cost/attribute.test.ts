import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ratedMicroUsd } from "../kernel/money.ts";
import { attributeSpan, type PaidSpan } from "./attribute.ts";

const hour = 3_600_000;
const span: PaidSpan = {
  fromMs: 0,
  toMs: hour,
  priceMicroUsdPerHour: 3_600_000,
  isFresh: true,
  attempts: [],
};

function attempt(key: string, startS: number, endS: number, loadS = 0): PaidSpan["attempts"][0] {
  return { key, startMs: startS * 1_000, endMs: endS * 1_000, loadMs: loadS * 1_000 };
}

describe("attribution", () => {
  it("charges the start to the first attempt and idle time to the one before it", () => {
    const attempts = [attempt("a", 100, 200, 30), attempt("b", 300, 400)];
    expect(attributeSpan({ ...span, attempts })).toEqual([
      {
        key: "a",
        startMicroUsd: 100_000,
        loadMicroUsd: 30_000,
        runMicroUsd: 70_000,
        idleMicroUsd: 100_000,
      },
      {
        key: "b",
        startMicroUsd: 0,
        loadMicroUsd: 0,
        runMicroUsd: 100_000,
        idleMicroUsd: 3_200_000,
      },
    ]);
  });

  it("charges nobody where nothing ran", () => {
    expect(attributeSpan(span)).toMatchObject([{ key: null, idleMicroUsd: 3_600_000 }]);
  });

  it("calls it idle, not a start, where the instance had run before", () => {
    const attempts = [attempt("a", 100, 3_600)];
    const [a] = attributeSpan({ ...span, isFresh: false, attempts });
    expect(a).toMatchObject({ startMicroUsd: 0, idleMicroUsd: 100_000 });
  });

  it("lets attempts on one card share the time they overlap", () => {
    const attempts = [attempt("a", 0, 3_600), attempt("b", 0, 1_800)];
    const [a, b] = attributeSpan({ ...span, attempts });
    expect(a).toMatchObject({ key: "a", runMicroUsd: 2_700_000 });
    expect(b).toMatchObject({ key: "b", runMicroUsd: 900_000 });
  });

  it("counts of an attempt only what lies in the window", () => {
    const attempts = [attempt("a", -500, 100), attempt("b", 3_500, 9_000)];
    const [a, b] = attributeSpan({ ...span, attempts });
    expect(a).toMatchObject({ runMicroUsd: 100_000, idleMicroUsd: 3_400_000 });
    expect(b).toMatchObject({ runMicroUsd: 100_000 });
  });

  it("loses not a micro-dollar, whatever ran", () => {
    const one = fc.record({
      startMs: fc.integer({ min: -2_000_000, max: 5_000_000 }),
      lengthMs: fc.nat(2_000_000),
      loadMs: fc.nat(1_000_000),
    });
    const attempts = fc.array(one, { maxLength: 12 }).map((list) =>
      list.map(({ startMs, lengthMs, loadMs }, index) => {
        return { key: String(index), startMs, endMs: startMs + lengthMs, loadMs };
      }),
    );
    fc.assert(
      fc.property(attempts, fc.nat(9_000_000), fc.nat(hour), (list, price, toMs) => {
        const shares = attributeSpan({
          fromMs: 0,
          toMs,
          priceMicroUsdPerHour: price,
          isFresh: true,
          attempts: list,
        });
        const total = shares.reduce(
          (sum, { runMicroUsd, loadMicroUsd, startMicroUsd, idleMicroUsd }) =>
            sum + runMicroUsd + loadMicroUsd + startMicroUsd + idleMicroUsd,
          0,
        );
        expect(total).toBe(ratedMicroUsd(price, toMs));
      }),
    );
  });
});
