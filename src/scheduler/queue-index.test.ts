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
          expect(index.backlogSeconds(set, Infinity)).toBe(10 * ofSet.length);
        }
        for (const size of [8, 24]) {
          const fitting = list.filter((job) => job.vramBytes <= size * gibibyte);
          expect(least(index.coldHeads(size * gibibyte, 3), (job) => job.coldKeySeconds)).toBe(
            least(fitting, (job) => job.coldKeySeconds),
          );
        }
        expect(index.overdueHead()?.overdueAtSeconds).toBe(
          least(list, (job) => job.overdueAtSeconds),
        );
      }),
    );
  });
  it("counts towards a backlog only what comes soon after the first job", () => {
    const index = new QueueIndex();
    for (const [number, key] of [5, 7, 30, 90].entries()) index.add(jobOf(number, key, 8, 1));
    expect([1, 2, 25, 100].map((within) => index.backlogSeconds("m1", within))).toEqual([
      10, 20, 30, 40,
    ]);
  });
  it("offers the first jobs of different model sets as cold heads, in order", () => {
    const index = new QueueIndex();
    for (let number = 0; number < 50; number++) index.add(jobOf(number, number));
    const sets = index.coldHeads(8 * gibibyte, 3).map((job) => job.modelSet);
    expect(sets).toEqual(["m0", "m1", "m2"]);
  });
  it("keeps the overdue lane in order when nearly all leave by another door", () => {
    const index = new QueueIndex();
    for (let number = 0; number < 5000; number++) index.add(jobOf(number, number));
    for (let number = 0; number < 5000; number++) if (number % 97 !== 96) index.take(`j${number}`);
    const left = Array.from({ length: 51 }, (_, at) => jobOf(97 * at + 96, 97 * at + 96));
    const expected = left.map((job) => job.overdueAtSeconds).sort((a, b) => a - b);
    for (const overdueAtSeconds of expected) {
      const head = index.overdueHead();
      expect(head?.overdueAtSeconds).toBe(overdueAtSeconds);
      index.take(head?.jobId ?? "");
    }
    expect(index.overdueHead()).toBeUndefined();
  });
  it("knows nothing of a job that was never added", () => {
    expect(new QueueIndex().take("j1")).toBeUndefined();
  });
});
