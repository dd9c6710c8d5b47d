import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { jobPriorities } from "./queue-key.ts";
import { vramClassOf } from "./vram-class.ts";
import {
  correctedFinishTag,
  finishTag,
  queueKeys,
  startTag,
  type KeyInput,
} from "./virtual-start.ts";

const share = { weight: 1, activeWeight: 4, workers: 8 };
const plain: KeyInput = {
  startTagSeconds: 1000,
  nowSeconds: 1000,
  priority: "normal",
  estimateSeconds: 20,
  coldLoadSeconds: 22,
  deadlineSeconds: null,
};

describe("the start tag", () => {
  it("is the time of submit for a tenant within its share", () => {
    expect(startTag({ nowSeconds: 50, claimedTagSeconds: 40 }, 45)).toBe(50);
  });
  it("lies in the future for a tenant with work ahead", () => {
    expect(startTag({ nowSeconds: 50, claimedTagSeconds: 40 }, 90)).toBe(90);
  });
  it("gives a newcomer no more than five minutes of credit over what was already claimed", () => {
    expect(startTag({ nowSeconds: 50, claimedTagSeconds: 340 }, 0)).toBe(50);
    expect(startTag({ nowSeconds: 50, claimedTagSeconds: 400 }, 0)).toBe(100);
  });
});

describe("the finish tag", () => {
  it("charges a job against the tenant's share of the fleet", () => {
    expect(finishTag(100, 20, share)).toBe(110);
  });
  it("charges half to twice the weight", () => {
    expect(finishTag(100, 20, { weight: 2, activeWeight: 5, workers: 10 })).toBe(105);
  });
  it("counts at least one worker, so that an empty fleet divides by nothing", () => {
    expect(finishTag(100, 20, { weight: 1, activeWeight: 1, workers: 0 })).toBe(120);
  });
  it("ends where the true run time would have put it", () => {
    fc.assert(
      fc.property(fc.nat(600), fc.nat(600), (estimateSeconds, actualSeconds) => {
        const charged = finishTag(100, estimateSeconds, share);
        const corrected = correctedFinishTag(charged, { estimateSeconds, actualSeconds }, share);
        expect(corrected).toBeCloseTo(finishTag(100, actualSeconds, share), 9);
      }),
    );
  });
});

describe("the queue key", () => {
  it("adds the delay of the class and the expected run", () => {
    expect(queueKeys(plain)).toEqual({
      keySeconds: 1035,
      coldKeySeconds: 1255,
      overdueAtSeconds: 1300,
    });
  });
  it("orders the classes by their delay", () => {
    const keys = jobPriorities.map((priority) => queueKeys({ ...plain, priority }).keySeconds);
    expect(keys).toEqual(keys.toSorted((left, right) => right - left));
  });
  it("gives up the delay of the class as far as the deadline asks", () => {
    const low = { ...plain, priority: "low" } as const;
    expect(queueKeys({ ...low, deadlineSeconds: 1072 }).keySeconds).toBe(1000 + 50 + 20);
    expect(queueKeys({ ...low, deadlineSeconds: 1001 }).keySeconds).toBe(1000 + 20);
    expect(queueKeys({ ...low, deadlineSeconds: 9000 }).keySeconds).toBe(1000 + 300 + 20);
  });
  it("lets waiting overtake any class in the end", () => {
    const early = queueKeys({ ...plain, priority: "low" });
    const late = queueKeys({ ...plain, priority: "critical", startTagSeconds: 1301 });
    expect(early.keySeconds).toBeLessThan(late.keySeconds);
  });
});

describe("the VRAM class", () => {
  it("is the least card that holds the job", () => {
    const gibibyte = 1024 ** 3;
    expect([0, 8, 8.1, 24, 80, 141].map((size) => vramClassOf(size * gibibyte))).toEqual([
      0, 0, 1, 3, 6, 7,
    ]);
  });
});
