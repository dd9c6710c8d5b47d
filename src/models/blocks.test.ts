import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { BlockPlan, type Span } from "./blocks.ts";

describe("the plan of a download's blocks", () => {
  it("gives out free blocks from the front", () => {
    const plan = new BlockPlan(10, 1, Uint8Array.of(0, 1, 0, 0, 0, 0, 1, 0, 0, 0));
    expect(plan.take(3, 1)).toEqual({ next: 0, end: 1 });
    expect(plan.take(3, 1)).toEqual({ next: 2, end: 5 });
    expect(plan.take(3, 1)).toEqual({ next: 5, end: 6 });
    expect(plan.take(3, 1)).toEqual({ next: 7, end: 10 });
  });

  it("gives less to each of several connections towards the end", () => {
    const plan = new BlockPlan(100, 1);
    const sizes: number[] = [];
    for (let span = plan.take(32, 2); span !== undefined; span = plan.take(32, 2)) {
      sizes.push(span.end - span.next);
      span.next = span.end;
      plan.giveBack(span);
    }
    expect(sizes).toEqual([32, 23, 15, 10, 7, 5, 4, 4]);
  });

  it("lets who has nothing to do take half of the longest rest", () => {
    const plan = new BlockPlan(32, 1);
    const first = plan.take(32, 1);
    if (first === undefined) throw new Error("nothing to take");
    first.next = 2;
    expect(plan.take(32, 1)).toEqual({ next: 17, end: 32 });
    expect(first).toEqual({ next: 2, end: 17 });
  });

  it("lets others help the connection that holds the hash up, once the file is far ahead", () => {
    const plan = new BlockPlan(2_000, 1);
    const slow = plan.take(32, 8);
    for (let fetched = 0; fetched < 256; fetched += 32) {
      const span = plan.take(32, 8);
      if (span === undefined) throw new Error("nothing to take");
      while (span.next < span.end) plan.finish(span.next++);
      plan.giveBack(span);
    }
    expect(plan.take(32, 8)).toEqual({ next: 16, end: 32 });
    expect(slow).toEqual({ next: 0, end: 16 });
    expect(plan.take(32, 8)).toEqual({ next: 8, end: 16 });
  });

  it("leaves a short rest to who has it", () => {
    const plan = new BlockPlan(3, 1);
    plan.take(3, 1);
    expect(plan.take(3, 1)).toBeUndefined();
  });

  it("counts the last block by what it really holds", () => {
    const plan = new BlockPlan(25, 10);
    plan.finish(2);
    expect([plan.doneBytes, plan.frontierBytes]).toEqual([5, 0]);
    plan.finish(0);
    expect([plan.doneBytes, plan.frontierBytes]).toEqual([15, 10]);
    plan.finish(1);
    expect([plan.doneBytes, plan.frontierBytes, plan.isComplete]).toEqual([25, 25, true]);
  });

  it("has nothing to do for an empty file", () => {
    const plan = new BlockPlan(0, 10);
    expect([plan.take(1, 1), plan.isComplete, plan.doneBytes]).toEqual([undefined, true, 0]);
  });

  it("fetches every block exactly once, whatever connections fail on the way", () => {
    const steps = fc.array(fc.tuple(fc.nat(7), fc.nat(5), fc.boolean()), { maxLength: 400 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), steps, (count, moves) => {
        const plan = new BlockPlan(count, 1);
        const got = Array.from({ length: count }, () => 0);
        const lanes: (Span | undefined)[] = [];
        const receive = (span: Span): void => {
          got[span.next] = (got[span.next] ?? 0) + 1;
          plan.finish(span.next++);
        };
        for (const [lane, blocks, fails] of moves) {
          const span = (lanes[lane] ??= plan.take(8, 1));
          if (span === undefined) continue;
          for (let i = 0; i < blocks && span.next < span.end; i++) receive(span);
          if (fails || span.next >= span.end) {
            plan.giveBack(span);
            lanes[lane] = undefined;
          }
        }
        for (const span of lanes) if (span !== undefined) plan.giveBack(span);
        for (let span = plan.take(8, 1); span !== undefined; span = plan.take(8, 1)) {
          while (span.next < span.end) receive(span);
          plan.giveBack(span);
        }
        expect(plan.isComplete).toBe(true);
        expect(got).toEqual(Array.from({ length: count }, () => 1));
      }),
    );
  });
});
