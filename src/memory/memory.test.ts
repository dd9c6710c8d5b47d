import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { admissibleBytes, decideAdmission, type MemoryRequest } from "./admit.ts";
import { planCompaction } from "./compact.ts";
import { reconcile } from "./drift.ts";
import { learnOutOfMemory, learnPeak, neededBytes } from "./footprint.ts";
import { openLedger, poolBytes, sumBytes, usableBytes, type CardLedger } from "./ledger.ts";
import { beginRun, endRun, noteSlotGone, pinModels } from "./runs.ts";
import { poolShares, strategies } from "./strategy.ts";

const gib = 1024 ** 3;

function request(changes: Partial<MemoryRequest> = {}): MemoryRequest {
  return {
    slot: "a",
    lease: "run",
    models: [{ name: "checkpoints/x.safetensors", bytes: 6 * gib, reloadMs: 3_000 }],
    inferenceBytes: 2 * gib,
    priority: 1,
    hasLargerCard: false,
    ...changes,
  };
}

function model(name: string, gibibytes: number, reloadMs = 1_000) {
  return { name, bytes: gibibytes * gib, reloadMs };
}

/** The ledger after a run began at `nowMs`; fails the test where it is not admitted. */
function began(ledger: CardLedger, wish: MemoryRequest, nowMs = 0): CardLedger {
  const decision = decideAdmission(ledger, wish);
  if (decision.action !== "admit") throw new Error(`${decision.action}: ${decision.reason}`);
  return beginRun(ledger, wish, decision, nowMs);
}

function ran(ledger: CardLedger, wish: MemoryRequest, nowMs = 0): CardLedger {
  return endRun(began(ledger, wish, nowMs), wish.lease, nowMs);
}

const names = (ledger: CardLedger): string[] => ledger.allocations.map(({ name }) => name).sort();

describe("admission", () => {
  const card = openLedger({ totalBytes: 24 * gib, reserveBytes: gib, slots: ["a", "b"] });

  it("takes what fits as it is, and says what stays free", () => {
    const decision = decideAdmission(card, request());
    expect(decision).toMatchObject({ action: "admit", commands: [], isSmaller: false });
    expect(decision.reason).toBe("fits; 15.0 GiB stay free");
  });
  it("loads nothing again that lies there already", () => {
    const warm = ran(card, request());
    expect(poolBytes(began(warm, request({ lease: "next" })))).toMatchObject({ models: 6 * gib });
  });
  it("gives a second process its own copy: processes share no models", () => {
    const both = began(ran(card, request()), request({ slot: "b", lease: "other" }));
    expect(poolBytes(both).models).toBe(12 * gib);
  });
  it("frees the idle neighbour where that makes room", () => {
    const warm = ran(card, request({ models: [model("big", 16)] }));
    const decision = decideAdmission(warm, request({ slot: "b", lease: "other" }));
    expect(decision).toMatchObject({
      action: "admit",
      commands: [{ kind: "evict", slot: "a", names: ["big"], bytes: 16 * gib }],
    });
  });
  it("lets in what needs nothing, however full the card is", () => {
    const full = {
      ...card,
      slots: [
        { id: "a", slackBytes: 30 * gib },
        { id: "b", slackBytes: 0 },
      ],
    };
    const nothing = request({ slot: "b", models: [], inferenceBytes: 0 });
    const busy = began(full, request());
    expect(decideAdmission(busy, nothing).action).toBe("admit");
  });
  it("waits for the run beside it rather than take its memory", () => {
    const busy = began(card, request({ models: [model("big", 16)] }));
    const decision = decideAdmission(busy, request({ slot: "b", lease: "other" }));
    expect(decision).toMatchObject({ action: "queue", waitsFor: ["run"] });
  });
  it("sends what is larger than the card to a larger one, if there is one", () => {
    const wish = request({ models: [model("huge", 30)] });
    expect(decideAdmission(card, { ...wish, hasLargerCard: true }).action).toBe("larger_card");
    expect(decideAdmission(card, wish)).toMatchObject({ action: "refuse", neededBytes: 32 * gib });
  });
  it("makes the pool of models smaller where no card is larger and RAM may hold the rest", () => {
    const wish = request({ models: [model("m", 20), model("n", 10)], leastModelBytes: 20 * gib });
    const decision = decideAdmission(card, wish);
    expect(decision).toMatchObject({ action: "admit", isSmaller: true, modelBytes: 21 * gib });
    expect(poolBytes(began(card, wish))).toMatchObject({ models: 21 * gib, inference: 2 * gib });
  });
  it("does not wait for what will never come: a pinned model leaves no room for ever", () => {
    const pinned = pinModels(
      ran(card, request({ models: [model("kept", 16)] })),
      new Set(["kept"]),
      true,
    );
    const wish = request({ slot: "b", models: [model("m", 8)] });
    expect(decideAdmission(pinned, wish).action).toBe("refuse");
  });
});

describe("eviction", () => {
  const open = (order: "gdsf" | "lru") =>
    openLedger({
      totalBytes: 24 * gib,
      slots: ["a"],
      evictionOrder: order,
      evictionUnit: "allocation",
    });
  const one = (name: string, gibibytes: number, changes: Partial<MemoryRequest> = {}) =>
    request({ lease: name, models: [model(name, gibibytes)], inferenceBytes: 0, ...changes });

  it("takes the lowest priority first, however valuable", () => {
    const ledger = [1, 2, 3].reduce(
      (book, at) => ran(book, one("low", 10, { priority: 0 }), at),
      ran(open("gdsf"), one("critical", 10, { priority: 3 }), 0),
    );
    expect(names(began(ledger, one("new", 10), 9))).toEqual(["critical", "new", "new"]);
  });
  it("keeps what is used often and slow to load, by Greedy-Dual-Size-Frequency", () => {
    const often = [1, 2, 3].reduce((book, at) => ran(book, one("often", 10), at), open("gdsf"));
    expect(names(began(ran(often, one("rare", 10), 9), one("new", 10), 10))).toContain("often");
  });
  it("takes the longest unused with LRU", () => {
    const often = [1, 2, 3].reduce((book, at) => ran(book, one("often", 10), at), open("lru"));
    const after = names(began(ran(often, one("rare", 10), 9), one("new", 10), 10));
    expect(after).not.toContain("often");
  });
  it("lets old fame fade: the floor rises with every victim", () => {
    let ledger = [1, 2, 3, 4].reduce((book, at) => ran(book, one("fame", 10), at), open("gdsf"));
    for (let at = 10; at < 30; at++) ledger = ran(ledger, one(`new${at}`, 10), at);
    expect(names(ledger)).not.toContain("fame");
  });
  it("begins with a pool that holds more than its share", () => {
    const first = ran(open("lru"), one("model", 6), 1);
    const { ledger } = reconcile(
      first,
      { totalBytes: 24 * gib, usedBytes: 24 * gib, slots: [] },
      5,
    );
    expect(poolBytes(ledger)).toMatchObject({ models: 6 * gib, cache: 18 * gib });
    expect(names(began(ledger, one("new", 4), 9))).toEqual(["model", "new", "new"]);
  });
  it("spares a small victim that a larger one made needless", () => {
    const small = ran(open("lru"), one("small", 1), 1);
    const large = ran(small, one("large", 20), 2);
    expect(names(began(large, one("new", 20), 3))).toContain("small");
  });
});

describe("the shares of the pools", () => {
  it.each(strategies)("add up to the whole card with %s", (strategy) => {
    const { models, inference, cache } = poolShares[strategy];
    expect(models + inference + cache).toBeCloseTo(1);
  });
});

describe("compaction", () => {
  const card = openLedger({ totalBytes: 24 * gib, slots: ["a"] });
  const withSlack = (ledger: CardLedger, gibibytes: number): CardLedger => ({
    ...ledger,
    slots: [{ id: "a", slackBytes: gibibytes * gib }],
  });
  const warm = ran(card, request());

  it("gives memory back once most of what is reserved lies idle", () => {
    expect(planCompaction(withSlack(warm, 7))).toMatchObject([{ kind: "evict", slot: "a" }]);
    expect(planCompaction(withSlack(warm, 5))).toEqual([]);
    expect(planCompaction(withSlack(card, 1))).toMatchObject([{ kind: "compact", slot: "a" }]);
  });
  it("leaves running and pinned alone", () => {
    expect(planCompaction(withSlack(began(warm, request()), 20))).toEqual([]);
    const pinned = pinModels(warm, new Set(["checkpoints/x.safetensors"]), true);
    expect(planCompaction(withSlack(pinned, 20))).toEqual([]);
  });
});

describe("drift", () => {
  const card = openLedger({ totalBytes: 24 * gib, reserveBytes: gib, slots: ["a"] });
  const measured = (usedGib: number) => ({
    totalBytes: 24 * gib,
    usedBytes: usedGib * gib,
    slots: [],
  });

  it("strikes out models that ComfyUI has unloaded by itself", () => {
    const { ledger, driftBytes } = reconcile(ran(card, request()), measured(1), 9);
    expect(driftBytes).toBe(-6 * gib);
    expect(ledger.allocations).toEqual([]);
  });
  it("takes what an idle process holds beside its models for its cache, which may leave", () => {
    const { ledger } = reconcile(ran(card, request()), measured(10), 9);
    expect(poolBytes(ledger)).toMatchObject({ models: 6 * gib, cache: 3 * gib });
    expect(admissibleBytes(ledger, "a")).toBe(23 * gib);
  });
  it("takes for foreign what is in use while nothing of ours is there", () => {
    const { ledger } = reconcile(card, measured(5), 9);
    expect(ledger.foreignBytes).toBe(4 * gib);
    expect(admissibleBytes(ledger, "a")).toBe(19 * gib);
    expect(reconcile(ledger, measured(1), 9).ledger.foreignBytes).toBe(0);
  });
  it("keeps what a run was promised, although it is before its peak", () => {
    const busy = began(card, request());
    const { ledger, driftBytes } = reconcile(busy, measured(2), 9);
    expect(sumBytes(ledger.allocations)).toBe(8 * gib);
    expect(driftBytes).toBe(-7 * gib);
  });
  it("believes the driver where it tells processes apart, also beside a run", () => {
    const shared = openLedger({ totalBytes: 24 * gib, slots: ["a", "b"] });
    const both = began(ran(shared, request()), request({ slot: "b", lease: "other" }));
    const slots = [{ slot: "a", heldBytes: 2 * gib, slackBytes: 0 }];
    const { ledger } = reconcile(both, { totalBytes: 24 * gib, usedBytes: 10 * gib, slots }, 9);
    expect(poolBytes(ledger)).toEqual({ models: 8 * gib, inference: 2 * gib, cache: 0 });
  });
  it("is corrected once and then gone", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 0, max: 8 }),
        (used, slack) => {
          const truth = { ...measured(used), slots: [] };
          const start = { ...ran(card, request()), slots: [{ id: "a", slackBytes: slack * gib }] };
          const once = reconcile(start, truth, 1);
          const twice = reconcile(once.ledger, truth, 2);
          expect(Math.max(0, -twice.driftBytes)).toBeLessThanOrEqual(slack * gib);
          expect(twice.driftBytes).toBeLessThanOrEqual(0);
        },
      ),
    );
  });
});

describe("a footprint", () => {
  it("is the peak that was measured", () => {
    expect(learnPeak(undefined, 8 * gib)).toMatchObject({ peakBytes: 8 * gib, runs: 1 });
  });
  it("is what the smallest class of card needs that is known to do", () => {
    // Class 0 holds 8 GiB, class 1 holds 12, and so on.
    const classOf = (bytes: number): number => Math.max(0, Math.ceil((bytes / gib - 8) / 4));
    const row = (gibibytes: number, runs: number, vramClass: number) => ({
      peakBytes: gibibytes * gib,
      runs,
      outOfMemoryCount: runs === 0 ? 1 : 0,
      vramClass,
    });
    const needed = (...rows: readonly ReturnType<typeof row>[]) => neededBytes(rows, classOf);
    expect(needed()).toBeUndefined();
    expect(needed(row(7, 3, 0), row(11, 2, 1))).toBe(7 * gib);
    expect(needed(row(9, 0, 0), row(8.5, 2, 1), row(20, 1, 3))).toBe(9 * gib);
    expect(needed(row(9, 0, 0), row(13, 0, 1))).toBe(13 * gib);
  });
  it("rises at once and falls slowly", () => {
    const learned = learnPeak(undefined, 10 * gib);
    expect(learnPeak(learned, 12 * gib).peakBytes).toBe(12 * gib);
    expect(learnPeak(learned, 5 * gib).peakBytes).toBe(9.5 * gib);
  });
  it("rises by 1.3 on running out of memory, and above what the card had", () => {
    expect(learnOutOfMemory(undefined, 10 * gib, 11 * gib).peakBytes).toBe(13 * gib);
    expect(learnOutOfMemory(undefined, 10 * gib, 20 * gib).peakBytes).toBe(20 * gib + 1);
  });
});

it("empties a slot whose process has ended, pins and all", () => {
  const card = openLedger({ totalBytes: 24 * gib, slots: ["a"] });
  const pinned = pinModels(ran(card, request()), new Set(["checkpoints/x.safetensors"]), true);
  expect(sumBytes(noteSlotGone(pinned, "a").allocations)).toBe(0);
  expect(usableBytes(pinned)).toBe(24 * gib);
});
