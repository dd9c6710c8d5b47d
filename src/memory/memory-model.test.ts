import fc from "fast-check";
import { expect, it } from "vitest";

import { admissibleBytes, decideAdmission, type MemoryRequest } from "./admit.ts";
import { planCompaction } from "./compact.ts";
import { reconcile } from "./drift.ts";
import { openLedger, type CardLedger, type EvictionUnit } from "./ledger.ts";
import { beginRun, endRun, noteFreed, noteSlotGone, pinModels } from "./runs.ts";

/** The card as a test understands it, written without the ledger's code. */
interface Held {
  readonly slot: string;
  readonly name: string;
  bytes: number;
  pinned: boolean;
  leases: Set<string>;
}

interface World {
  ledger: CardLedger;
  held: Held[];
  running: Map<string, { slot: string; bytes: number }>;
  clock: number;
}

type Action =
  | {
      kind: "begin";
      slot: string;
      models: string[];
      inference: number;
      priority: number;
      least: number;
    }
  | { kind: "end"; pick: number }
  | { kind: "pin"; model: string; isPinned: boolean }
  | { kind: "crash"; slot: string }
  | { kind: "compact" }
  | { kind: "slack"; slot: string; bytes: number };

const total = 100;
const reserve = 4;
const usable = total - reserve;
const slots = ["a", "b", "c"];
/** Sizes by name; some are larger than the card. */
const sizes: Readonly<Record<string, number>> = { s: 5, t: 10, m: 25, n: 30, l: 60, x: 120 };

const anySlot = fc.constantFrom(...slots);
const anyModel = fc.constantFrom(...Object.keys(sizes));
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("begin" as const),
      slot: anySlot,
      models: fc.uniqueArray(anyModel, { maxLength: 3 }),
      inference: fc.integer({ min: 0, max: 40 }),
      priority: fc.integer({ min: 0, max: 3 }),
      least: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("end" as const), pick: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("pin" as const),
      model: anyModel,
      isPinned: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), slot: anySlot }) },
  { weight: 1, arbitrary: fc.constant({ kind: "compact" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("slack" as const),
      slot: anySlot,
      bytes: fc.integer({ min: 0, max: 30 }),
    }),
  },
);

/** Whether a request fits if everything left that may, found by trying every choice of victims. */
function mustFit(
  world: World,
  wish: MemoryRequest,
  modelBytes: number,
  unit: EvictionUnit,
): boolean {
  const { ledger, held, running } = world;
  const isFree = (one: Held): boolean => !one.pinned && one.leases.size === 0;
  const isNeeded = (one: Held): boolean =>
    one.slot === wish.slot && wish.models.some(({ name }) => name === one.name);
  const groups: { members: Held[]; slack: number }[] =
    unit === "allocation"
      ? held
          .filter((one) => isFree(one) && !isNeeded(one))
          .map((one) => ({ members: [one], slack: 0 }))
      : [];
  for (const { id, slackBytes } of ledger.slots) {
    const members = unit === "slot" ? held.filter(({ slot }) => slot === id) : [];
    const isBusy = [...running.values()].some(({ slot }) => slot === id);
    if (isBusy || !members.every(isFree)) continue;
    groups.push({ members, slack: id === wish.slot ? 0 : slackBytes });
  }
  const slack = ledger.slots
    .filter(({ id }) => id !== wish.slot)
    .reduce((s, one) => s + one.slackBytes, 0);
  const active = [...running.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  for (let choice = 0; choice < 2 ** groups.length; choice++) {
    const leaving = groups.filter((_, at) => (choice & (1 << at)) !== 0);
    const gone = new Set(leaving.flatMap(({ members }) => members));
    const stay = held.filter((one) => !gone.has(one));
    const resident = stay.filter(isNeeded).reduce((sum, one) => sum + one.bytes, 0);
    const taken =
      stay.reduce((sum, one) => sum + one.bytes, 0) +
      active +
      slack -
      leaving.reduce((sum, one) => sum + one.slack, 0);
    const needed = Math.max(0, modelBytes - resident) + wish.inferenceBytes;
    if (needed === 0 || taken + needed <= usable) return true;
  }
  return false;
}

function leavingBy(world: World, names: readonly string[], slot: string): void {
  for (const one of world.held.filter((each) => each.slot === slot && names.includes(each.name))) {
    expect(one.leases.size, `${one.name} has a lease`).toBe(0);
    expect(one.pinned, `${one.name} is pinned`).toBe(false);
    world.held = world.held.filter((each) => each !== one);
  }
}

function begin(world: World, action: Extract<Action, { kind: "begin" }>, unit: EvictionUnit): void {
  if ([...world.running.values()].some(({ slot }) => slot === action.slot)) return;
  const models = action.models.map((name) => ({ name, bytes: sizes[name] ?? 0, reloadMs: 10 }));
  const whole = models.reduce((sum, { bytes }) => sum + bytes, 0);
  const least = Math.round(whole * action.least);
  const wish: MemoryRequest = {
    slot: action.slot,
    lease: `run ${world.clock}`,
    models,
    inferenceBytes: action.inference,
    leastModelBytes: least,
    priority: action.priority,
    hasLargerCard: false,
  };
  const decision = decideAdmission(world.ledger, wish);
  const fitsWhole = mustFit(world, wish, whole, unit);
  expect(decision.action === "admit" && !decision.isSmaller, decision.reason).toBe(fitsWhole);
  if (whole + action.inference <= admissibleBytes(world.ledger, action.slot)) {
    expect(decision.action).toBe("admit");
  }
  if (decision.action === "queue") expect(world.running.size).toBeGreaterThan(0);
  if (decision.action !== "admit") return;
  if (decision.isSmaller) expect(mustFit(world, wish, least, unit)).toBe(true);
  for (const command of decision.commands) {
    if (command.kind === "evict") leavingBy(world, command.names, command.slot);
  }
  world.ledger = beginRun(world.ledger, wish, decision, world.clock);
  note(world, wish, decision.modelBytes);
}

/** What the run now holds, by the test's own count. */
function note(world: World, wish: MemoryRequest, modelBytes: number): void {
  const mine = (name: string): Held | undefined =>
    world.held.find((one) => one.slot === wish.slot && one.name === name);
  let left = modelBytes;
  for (const { name } of wish.models) left -= mine(name)?.bytes ?? 0;
  for (const { name, bytes } of wish.models) {
    const known = mine(name);
    if (known !== undefined) {
      known.leases.add(wish.lease);
      continue;
    }
    const size = Math.max(0, Math.min(bytes, left));
    left -= size;
    const leases = new Set([wish.lease]);
    world.held.push({ slot: wish.slot, name, bytes: size, pinned: false, leases });
  }
  world.running.set(wish.lease, { slot: wish.slot, bytes: wish.inferenceBytes });
}

function step(world: World, action: Action, unit: EvictionUnit): void {
  world.clock++;
  switch (action.kind) {
    case "begin":
      return begin(world, action, unit);
    case "end": {
      const lease = [...world.running.keys()][action.pick % Math.max(1, world.running.size)];
      if (lease === undefined) return;
      world.running.delete(lease);
      for (const one of world.held) one.leases.delete(lease);
      world.ledger = endRun(world.ledger, lease, world.clock);
      return;
    }
    case "pin":
      world.ledger = pinModels(world.ledger, new Set([action.model]), action.isPinned);
      for (const one of world.held) if (one.name === action.model) one.pinned = action.isPinned;
      return;
    case "crash":
      for (const [lease, { slot }] of world.running)
        if (slot === action.slot) world.running.delete(lease);
      world.held = world.held.filter(({ slot }) => slot !== action.slot);
      world.ledger = noteSlotGone(world.ledger, action.slot);
      return;
    case "compact":
      for (const command of planCompaction(world.ledger, 0.5)) {
        if (command.kind === "evict") leavingBy(world, command.names, command.slot);
        world.ledger = noteFreed(world.ledger, command);
      }
      return;
    case "slack": {
      const room = usable - booked(world) + (slackOf(world, action.slot) ?? 0);
      const bytes = Math.min(action.bytes, Math.max(0, room));
      const change = (one: { id: string; slackBytes: number }) =>
        one.id === action.slot ? { ...one, slackBytes: bytes } : one;
      world.ledger = { ...world.ledger, slots: world.ledger.slots.map(change) };
    }
  }
}

const slackOf = (world: World, slot: string): number | undefined =>
  world.ledger.slots.find(({ id }) => id === slot)?.slackBytes;

function booked(world: World): number {
  return (
    world.held.reduce((sum, one) => sum + one.bytes, 0) +
    [...world.running.values()].reduce((sum, { bytes }) => sum + bytes, 0) +
    world.ledger.slots.reduce((sum, one) => sum + one.slackBytes, 0)
  );
}

/** All that the ledger may never get wrong, held against the test's own count. */
function hold(world: World): void {
  const { ledger, held, running } = world;
  const told = ledger.allocations
    .filter(({ pool }) => pool === "models")
    .map(({ slot, name, bytes, isPinned, leases }) => [
      slot,
      name,
      bytes,
      isPinned,
      [...leases].sort(),
    ]);
  const known = held.map((one) => [
    one.slot,
    one.name,
    one.bytes,
    one.pinned,
    [...one.leases].sort(),
  ]);
  expect(told.map(String).sort()).toEqual(known.map(String).sort());
  const taken = ledger.allocations.reduce((sum, { bytes }) => sum + bytes, 0);
  const active = [...running.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  expect(taken).toBe(held.reduce((sum, one) => sum + one.bytes, 0) + active);
  // A process makes use of its own slack before it asks the card for more.
  const own = Math.max(0, ...ledger.slots.map(({ slackBytes }) => slackBytes));
  const slack = ledger.slots.reduce((sum, one) => sum + one.slackBytes, 0);
  expect(taken + slack - own).toBeLessThanOrEqual(usable);
}

it.each(["slot", "allocation"] as const)(
  "never over-commits, never evicts what is leased or pinned, and admits exactly what must fit (evicting by %s)",
  (unit) => {
    fc.assert(
      fc.property(
        fc.constantFrom("gdsf" as const, "lru" as const),
        fc.constantFrom("balanced" as const, "model-heavy" as const, "inference-heavy" as const),
        fc.array(anyAction, { minLength: 1, maxLength: 60 }),
        (evictionOrder, strategy, actions) => {
          const options = {
            totalBytes: total,
            reserveBytes: reserve,
            evictionOrder,
            strategy,
            slots,
          };
          const ledger = openLedger({ ...options, evictionUnit: unit });
          const world: World = { ledger, held: [], running: new Map(), clock: 0 };
          for (const action of actions) {
            step(world, action, unit);
            if (action.kind !== "slack") hold(world);
          }
        },
      ),
      { numRuns: 400 },
    );
  },
);

it("never takes away from a run what it was promised, whatever the driver says", () => {
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 30 }), fc.nat(total), (actions, usedBytes) => {
      const ledger = openLedger({ totalBytes: total, reserveBytes: reserve, slots });
      const world: World = { ledger, held: [], running: new Map(), clock: 0 };
      for (const action of actions) step(world, action, "slot");
      const truth = { totalBytes: total, usedBytes, slots: [] };
      const corrected = reconcile(world.ledger, truth, 99).ledger;
      const leased = ({ allocations }: CardLedger) =>
        allocations
          .filter(({ leases }) => leases.length > 0)
          .map(({ name, bytes }) => [name, bytes]);
      expect(leased(corrected)).toEqual(leased(world.ledger));
    }),
  );
});
