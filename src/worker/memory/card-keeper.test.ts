import { describe, expect, it } from "vitest";

import { createLogger } from "../../observability/logger.ts";
import { CardKeeper, type Admission, type CardOptions } from "./card-keeper.ts";
import type { DeviceMemory } from "./device-memory.ts";
import type { SlotHost } from "./slot-host.ts";

const total = 24_000;
const never = new AbortController().signal;

/** A process on a card of 24,000 bytes that gives back what it holds only to some measures. */
class ScriptedHost implements SlotHost {
  heldBytes = 0;
  /** Not given back by unloading models; by forgetting results only with `cache`. */
  stuckBytes = 0;
  cachedBytes = 0;
  readonly asked: string[] = [];
  private readonly neighbours: ScriptedHost[];

  constructor(neighbours: ScriptedHost[]) {
    this.neighbours = neighbours;
    neighbours.push(this);
  }

  measure(): Promise<DeviceMemory> {
    const used = this.neighbours.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    return Promise.resolve({
      totalBytes: total,
      freeBytes: Math.max(0, total - used),
      reservedBytes: this.heldBytes,
      slackBytes: 0,
    });
  }

  free({ cache }: { cache: boolean }): Promise<void> {
    this.asked.push(cache ? "cache" : "models");
    this.heldBytes = this.stuckBytes + (cache ? 0 : this.cachedBytes);
    return Promise.resolve();
  }

  restart(): boolean {
    this.asked.push("restart");
    this.heldBytes = 0;
    return true;
  }

  groupId(): undefined {
    return undefined;
  }
}

function setup(slots: readonly string[], options: Partial<CardOptions> = {}) {
  const keeper = new CardKeeper({
    logger: createLogger({ level: "silent" }),
    slots,
    slotReserveBytes: 0,
    readDriver: () => Promise.resolve(undefined),
    ...options,
    timings: { settleMs: 10, lookMs: 1, sampleMs: 1, admissionWaitMs: 10, ...options.timings },
  });
  const card: ScriptedHost[] = [];
  const hosts = slots.map((slot) => {
    const host = new ScriptedHost(card);
    keeper.join(slot, host);
    return host;
  });
  let runs = 0;
  const admit = (slot: string, model: string, bytes: number, more = {}): Promise<Admission> => {
    const need = { models: [{ name: model, bytes, reloadMs: 1 }], inferenceBytes: 1_000 };
    const wish = { slot, lease: `run ${++runs}`, need, priority: 1, hasLargerCard: false, ...more };
    return keeper.admit(wish, never);
  };
  /** Lets a run begin, leaves its model on the card, and ends it. */
  const run = async (at: number, model: string, bytes: number): Promise<void> => {
    const admission = await admit(slots[at] ?? "", model, bytes);
    const host = hosts[at];
    if (admission.kind !== "admitted" || host === undefined) throw new Error("was not admitted");
    host.heldBytes += bytes;
    admission.release();
  };
  return { keeper, hosts, admit, run };
}

describe("the keeper of a card", () => {
  it("has a neighbour unload its models, which is enough", async () => {
    const { hosts, admit, run } = setup(["a", "b"]);
    await run(0, "x", 20_000);
    expect(await admit("b", "y", 20_000)).toMatchObject({ kind: "admitted" });
    expect(hosts[0]?.asked).toEqual(["models"]);
  });
  it("goes on to the cached results, and to the process, where that is measured not to help", async () => {
    const { hosts, admit, run } = setup(["a", "b"]);
    await run(0, "x", 20_000);
    Object.assign(hosts[0] ?? {}, { cachedBytes: 19_000 });
    expect(await admit("b", "y", 20_000)).toMatchObject({ kind: "admitted" });
    expect(hosts[0]?.asked).toEqual(["models", "cache"]);
  });
  it("ends a process that gives nothing back", async () => {
    const { hosts, admit, run } = setup(["a", "b"]);
    await run(0, "x", 20_000);
    Object.assign(hosts[0] ?? {}, { stuckBytes: 19_000 });
    expect(await admit("b", "y", 20_000)).toMatchObject({ kind: "admitted" });
    expect(hosts[0]?.asked).toEqual(["models", "cache", "restart"]);
  });
  it("leaves it to ComfyUI to unload what stands beside models that it is about to use", async () => {
    const { keeper, hosts, admit, run } = setup(["a"]);
    await run(0, "x", 10_000);
    await run(0, "y", 8_000);
    const models = ["x", "z"].map((name) => ({ name, bytes: 10_000, reloadMs: 1 }));
    const need = { models, inferenceBytes: 1_000 };
    expect(await admit("a", "", 0, { need })).toMatchObject({ kind: "admitted" });
    expect(hosts[0]?.asked).toEqual([]);
    const names = keeper.book.residents("a").map(({ model }) => model);
    expect(names.sort()).toEqual(["x", "z"]);
  });
  it("never ends the process that asks", async () => {
    const { hosts, admit, run } = setup(["a"]);
    await run(0, "x", 20_000);
    Object.assign(hosts[0] ?? {}, { stuckBytes: 19_000 });
    await admit("a", "y", 20_000);
    expect(hosts[0]?.asked).not.toContain("restart");
  });
  it("gives a job back when others on the card run for too long", async () => {
    const { admit } = setup(["a", "b"]);
    await admit("a", "x", 20_000);
    expect(await admit("b", "y", 20_000)).toMatchObject({
      kind: "refused",
      decision: { action: "queue", waitsFor: ["run 1"] },
    });
  });
  it("lets a run begin as soon as the other has ended", async () => {
    const { admit } = setup(["a", "b"], { timings: { admissionWaitMs: 60_000 } });
    const first = await admit("a", "x", 20_000);
    const second = admit("b", "y", 20_000);
    if (first.kind === "admitted") first.release();
    expect(await second).toMatchObject({ kind: "admitted" });
  });
  it("sends away what needs more than the card has while it works", async () => {
    const { admit } = setup(["a"]);
    const need = { models: [], inferenceBytes: 30_000 };
    expect(await admit("a", "x", 0, { need, hasLargerCard: true })).toMatchObject({
      decision: { action: "larger_card" },
    });
    expect(await admit("a", "x", 0, { need })).toMatchObject({ decision: { action: "refuse" } });
  });
  it("lets ComfyUI stream from RAM what does not fit, where no card is larger", async () => {
    const { admit, keeper } = setup(["a"]);
    expect(await admit("a", "x", 40_000)).toMatchObject({ kind: "admitted" });
    expect(keeper.book.report).toMatchObject({ inferenceBytes: 1_000, modelsBytes: 23_000 });
  });
  it("never evicts a pinned model", async () => {
    const { hosts, admit, run } = setup(["a", "b"], { pinned: ["x"] });
    await run(0, "x", 20_000);
    const need = { models: [], inferenceBytes: 10_000 };
    expect(await admit("b", "", 0, { need })).toMatchObject({ decision: { action: "refuse" } });
    expect(hosts[0]?.asked).toEqual([]);
  });
  it("forgets what a process held once it has ended", async () => {
    const { keeper, run } = setup(["a"]);
    await run(0, "x", 20_000);
    expect(keeper.book.residents("a")).toEqual([{ model: "x", bytes: 20_000 }]);
    keeper.slotGone("a");
    expect(keeper.book.residents("a")).toEqual([]);
  });
  it("reports the drift between its book and the card, and corrects the book", async () => {
    const { keeper, hosts, run } = setup(["a"]);
    await run(0, "x", 20_000);
    Object.assign(hosts[0] ?? {}, { heldBytes: 5_000 });
    await keeper.refresh(never);
    expect(keeper.book.report).toMatchObject({ driftBytes: -15_000, modelsBytes: 5_000 });
    await keeper.refresh(never);
    expect(keeper.book.report?.driftBytes).toBe(0);
  });
  it("tells a claim what others on the card leave, as long as they run", async () => {
    const { keeper, admit } = setup(["a", "b"]);
    await keeper.refresh(never);
    expect(keeper.book.budget("b")).toEqual({ bytes: undefined, isShared: true });
    const first = await admit("a", "x", 20_000);
    expect(keeper.book.budget("b").bytes).toBe(3_000);
    // Its own run is over by the time that the next begins.
    expect(keeper.book.budget("a").bytes).toBeUndefined();
    if (first.kind === "admitted") first.release();
    expect(keeper.book.budget("b").bytes).toBeUndefined();
    expect(setup(["a"]).keeper.book.budget("a").isShared).toBe(false);
  });
});
