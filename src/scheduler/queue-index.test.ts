import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { QueuedJob } from "./head.ts";
import { QueueIndex } from "./queue-index.ts";

const gibibyte = 1024 ** 3;

function jobOf(number: number, keySeconds: number, size = 8, set = number % 5): QueuedJob {
  return {
    jobId: `j${number}`,
    modelSet: `m${set}`,
    keySeconds,
    coldKeySeconds: keySeconds + set,
    overdueAtSeconds: (keySeconds * 7) % 101,
    enqueuedAtSeconds: 0,
    estimateSeconds: 10,
    vramBytes: size * gibibyte,
    deadlineSeconds: null,
    isDemoted: false,
  };
}

const least = <Item>(items: readonly Item[], keyOf: (item: Item) => number): number | undefined =>
  items.length === 0 ? undefined : Math.min(...items.map(keyOf));

describe("the queue index", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({
        add: fc.double({ min: 0, max: 100, noNaN: true }),
        size: fc.constantFrom(8, 24),
      }),
      fc.record({ take: fc.nat(60) }),
    ),
    { maxLength: 120 },
  );
  it("agrees with a plain list after any adds and takes", () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const index = new QueueIndex();
        let list: QueuedJob[] = [];
        for (const [number, step] of steps.entries()) {
          if ("add" in step) {
            const job = jobOf(number, step.add, step.size);
            index.add(job);
            list.push(job);
          } else {
            const taken = index.take(`j${step.take}`);
            expect(taken).toBe(list.find((job) => job.jobId === `j${step.take}`));
            list = list.filter((job) => job !== taken);
          }
        }
        expect(index.size).toBe(list.length);
        for (const set of ["m0", "m1", "m2", "m3", "m4"]) {
          const ofSet = list.filter((job) => job.modelSet === set);
          expect(least(index.headsOf(set), (job) => job.keySeconds)).toBe(
            least(ofSet, (job) => job.keySeconds),
          );
          expect(index.backlogSeconds(set)).toBeCloseTo(10 * ofSet.length, 6);
        }
        for (const size of [8, 24]) {
          const fitting = list.filter((job) => job.vramBytes <= size * gibibyte);
          expect(least(index.coldHeads(size * gibibyte, 3), (job) => job.coldKeySeconds)).toBe(
            least(fitting, (job) => job.coldKeySeconds),
          );
        }
        expect(index.overdueHeads(list.length).map((job) => job.overdueAtSeconds)).toEqual(
          list.map((job) => job.overdueAtSeconds).toSorted((left, right) => left - right),
        );
      }),
    );
  });
  it("offers the first jobs of different model sets as cold heads, in order", () => {
    const index = new QueueIndex();
    for (let number = 0; number < 50; number++) index.add(jobOf(number, number));
    const sets = index.coldHeads(8 * gibibyte, 3).map((job) => job.modelSet);
    expect(sets).toEqual(["m0", "m1", "m2"]);
  });
  it("knows nothing of a job that was never added", () => {
    expect(new QueueIndex().take("j1")).toBeUndefined();
  });
});
