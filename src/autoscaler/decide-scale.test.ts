import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decideScale } from "./decide-scale.ts";
import type { ScaleDecision } from "./decision.ts";
import { policyOf, strategies } from "./policy.ts";
import type { ScaleSnapshot } from "./snapshot.ts";
import { demand, jobs, nowMs, offer, queueOf, snapshotOf, worker } from "./scale-snapshot.suite.ts";

const launched = ({ commands }: ScaleDecision): number =>
  commands.reduce((sum, one) => sum + (one.action === "launch" ? one.count : 0), 0);
const drained = ({ commands }: ScaleDecision): readonly string[] =>
  commands.flatMap((one) => (one.action === "drain" ? [one.workerId] : []));

describe("launching", () => {
  it("starts a worker for the first job, and says why", () => {
    const decision = decideScale(snapshotOf({ queue: queueOf(1) }));
    expect(decision.commands).toEqual([
      {
        action: "launch",
        offer: offer.id,
        count: 1,
        reason:
          "1 of 1 jobs would wait for more than 36 s: 0 for workers under way, 1 for new ones; " +
          "cloud/rtx-4090/any cheapest by job",
      },
    ]);
  });

  it("leaves a job to a worker that is free before a new one could be there", () => {
    const busy = worker("a", { state: "busy", freeAtMs: nowMs + 10_000 });
    expect(launched(decideScale(snapshotOf({ queue: queueOf(1), workers: [busy] })))).toBe(0);
  });

  it("does not launch again for jobs that workers under way will take", () => {
    const booting = ["a", "b"].map((id) =>
      worker(id, { state: "booting", freeAtMs: nowMs + 29_000, modelSets: [] }),
    );
    expect(launched(decideScale(snapshotOf({ queue: queueOf(2), workers: booting })))).toBe(0);
    expect(launched(decideScale(snapshotOf({ queue: queueOf(3), workers: booting })))).toBe(1);
  });

  it("buys sooner the less patience the strategy has", () => {
    const busy = worker("a", { state: "busy", freeAtMs: nowMs + 20_000 });
    const launchedBy = (strategy: "cost-first" | "performance-first"): number =>
      launched(
        decideScale(snapshotOf({ queue: queueOf(1), workers: [busy], policy: policyOf(strategy) })),
      );
    expect(launchedBy("cost-first")).toBe(0);
    expect(launchedBy("performance-first")).toBe(1);
  });

  it("grows by no more than twice the fleet in a minute", () => {
    const decision = decideScale(
      snapshotOf({ queue: queueOf(100), bounds: { minWorkers: 0, maxWorkers: 500 } }),
    );
    expect(launched(decision)).toBe(policyOf("balanced").minBurst);
    const later = decideScale(snapshotOf({ queue: queueOf(100), launchedInLastMinute: 4 }));
    expect(launched(later)).toBe(0);
    expect(later.because.map(({ rule }) => rule)).toContain("growth");
  });

  it("tries an offer again only after its back-off, and takes another one meanwhile", () => {
    const failing = { ...offer, notBeforeMs: nowMs + 5_000 };
    const dearer = { ...offer, id: "other", microUsdPerHour: 2_000_000 };
    const decide = (offers: ScaleSnapshot["offers"]): ScaleDecision =>
      decideScale(snapshotOf({ queue: queueOf(1), offers }));
    expect(launched(decide([failing]))).toBe(0);
    expect(decide([failing]).because.map(({ rule }) => rule)).toContain("quota");
    expect(decide([failing, dearer]).commands).toMatchObject([{ offer: "other", count: 1 }]);
  });

  it("spills over into the next offer when a quota is used up", () => {
    const offers = [
      { ...offer, quotaLeft: 1 },
      { ...offer, id: "other", microUsdPerHour: 2_000_000 },
    ];
    const { commands } = decideScale(snapshotOf({ queue: queueOf(3), offers }));
    expect(commands).toMatchObject([
      { offer: offer.id, count: 1 },
      { offer: "other", count: 2 },
    ]);
  });

  it("stops at the budget", () => {
    const decision = decideScale(
      snapshotOf({ queue: queueOf(4), hourlyBudgetMicroUsd: 2_500_000 }),
    );
    expect(launched(decision)).toBe(2);
    expect(decision.because.map(({ rule }) => rule)).toContain("budget");
  });

  it("adds a reserve to spot workers, and uses none unless it may", () => {
    const spot = { ...offer, id: "spot", microUsdPerHour: 400_000, isSpot: true, lossesPerHour: 2 };
    const decide = (maxSpotShare: number): ScaleDecision =>
      decideScale(
        snapshotOf({
          queue: queueOf(2),
          offers: [offer, spot],
          policy: policyOf("cost-first", { maxSpotShare }),
        }),
      );
    expect(decide(1).commands).toMatchObject([{ offer: "spot", count: 3 }]);
    expect(decide(0).commands).toMatchObject([{ offer: offer.id, count: 2 }]);
  });
});

describe("letting go", () => {
  const idleFor = (id: string, ms: number) => worker(id, { idleSinceMs: nowMs - ms });

  it("keeps an idle worker until coming back would be cheaper", () => {
    const decide = (idleMs: number): ScaleDecision =>
      decideScale(snapshotOf({ workers: [idleFor("a", idleMs)] }));
    // Cold start 52 s; $0.03 buys 98 s at $1.10 an hour.
    expect(Math.round(decide(0).keepAliveMs / 1000)).toBe(150);
    expect(drained(decide(149_000))).toEqual([]);
    expect(drained(decide(151_000))).toEqual(["a"]);
    expect(decide(100_000).reviewAtMs).toBeCloseTo(nowMs + 50_181, -2);
  });

  it("keeps the minimum and what schedules want", () => {
    const workers = [idleFor("a", 1e6), idleFor("b", 9e5), idleFor("c", 8e5)];
    const bounds = { minWorkers: 1, maxWorkers: 5 };
    expect(drained(decideScale(snapshotOf({ workers, bounds })))).toEqual(["a", "b"]);
    const floors = [{ workers: 2, reason: "opening hours" }];
    expect(drained(decideScale(snapshotOf({ workers, bounds, floors })))).toEqual(["a"]);
  });

  it("never takes a busy worker, and waits a while after a launch", () => {
    const busy = worker("a", { state: "busy", freeAtMs: nowMs + 1_000 });
    expect(drained(decideScale(snapshotOf({ workers: [busy] })))).toEqual([]);
    const cooling = snapshotOf({ workers: [idleFor("a", 1e6)], lastLaunchAtMs: nowMs - 10_000 });
    expect(decideScale(cooling)).toMatchObject({ commands: [], reviewAtMs: nowMs + 20_000 });
  });

  it("keeps the worker whose models nobody else holds", () => {
    const workers = [
      worker("a", { idleSinceMs: 0, modelSets: ["rare"] }),
      worker("b", { idleSinceMs: 0 }),
      worker("c", { idleSinceMs: nowMs, modelSets: ["m"] }),
    ];
    const bounds = { minWorkers: 2, maxWorkers: 5 };
    expect(drained(decideScale(snapshotOf({ workers, bounds })))).toEqual(["b"]);
  });
});

describe("thresholds", () => {
  it("hurry past a critical backlog: the fastest offer, and a worker for every five jobs", () => {
    const fast = { ...offer, id: "fast", microUsdPerHour: 9_000_000, slowness: 0.3 };
    const decision = decideScale(
      snapshotOf({ queue: { queued: 50, head: jobs(1) }, offers: [offer, fast] }),
    );
    expect(decision.commands).toMatchObject([{ offer: "fast", count: 4 }]);
    expect(decision.because.map(({ rule }) => rule)).toEqual([
      "course",
      "backlog",
      "surge",
      "growth",
    ]);
  });

  it("save when a job is too dear: the cheapest offer and batches of four", () => {
    const dear = { ...demand, microUsdPerJob: 60_000 };
    const decision = decideScale(snapshotOf({ queue: queueOf(1), demand: dear }));
    expect(decision.batch).toBe(4);
    expect(decision.patienceMs).toBe(52_000);
  });
});

describe("whatever the snapshot", () => {
  const workerArbitrary = fc.record({
    id: fc.uuid(),
    offer: fc.constantFrom(offer.id, "gone"),
    state: fc.constantFrom(
      "booting" as const,
      "idle" as const,
      "busy" as const,
      "draining" as const,
    ),
    freeAtMs: fc.integer({ min: nowMs - 1e6, max: nowMs + 1e6 }),
    idleSinceMs: fc.option(fc.integer({ min: 0, max: nowMs })),
    modelSets: fc.array(fc.constantFrom("m", "n")),
  });
  const snapshotArbitrary = fc
    .record({
      strategy: fc.constantFrom(...strategies),
      workers: fc.array(workerArbitrary, { maxLength: 12 }),
      queued: fc.integer({ min: 0, max: 300 }),
      maxWorkers: fc.integer({ min: 0, max: 12 }),
      minWorkers: fc.integer({ min: 0, max: 12 }),
      quotaLeft: fc.option(fc.integer({ min: 0, max: 5 })),
      hourlyBudgetMicroUsd: fc.option(fc.integer({ min: 0, max: 20_000_000 })),
    })
    .map(({ strategy, workers, queued, maxWorkers, minWorkers, quotaLeft, ...rest }) =>
      snapshotOf({
        ...rest,
        policy: policyOf(strategy),
        workers,
        queue: { queued, head: jobs(Math.min(200, queued)) },
        bounds: { minWorkers: Math.min(minWorkers, maxWorkers), maxWorkers },
        offers: [{ ...offer, quotaLeft }],
      }),
    );

  it("stays within bounds, quota and budget, and never launches and drains at once", () => {
    fc.assert(
      fc.property(snapshotArbitrary, (snapshot) => {
        const decision = decideScale(snapshot);
        const { workers, bounds, hourlyBudgetMicroUsd } = snapshot;
        const count = launched(decision);
        if (count > 0) {
          expect(drained(decision)).toEqual([]);
          expect(workers.length + count).toBeLessThanOrEqual(bounds.maxWorkers);
          expect(count).toBeLessThanOrEqual(snapshot.offers[0]!.quotaLeft ?? Infinity);
          const paid = workers.filter((one) => one.offer === offer.id).length + count;
          expect(paid * offer.microUsdPerHour).toBeLessThanOrEqual(
            hourlyBudgetMicroUsd ?? Infinity,
          );
        }
        const states = new Map(workers.map((one) => [one.id, one.state]));
        for (const id of drained(decision)) expect(states.get(id)).toBe("idle");
      }),
    );
  });

  it("comes out the same after the snapshot was stored as JSON", () => {
    fc.assert(
      fc.property(snapshotArbitrary, (snapshot) => {
        const stored = JSON.parse(JSON.stringify(snapshot)) as ScaleSnapshot;
        expect(decideScale(stored)).toEqual(decideScale(snapshot));
      }),
    );
  });
});
