import { isIdle, sumBytes, type Allocation, type CardLedger } from "./ledger.ts";

/** What was measured of one process. */
export interface SlotTruth {
  readonly slot: string;
  /** All that the driver sees it hold; null where the driver does not tell processes apart. */
  readonly heldBytes: number | null;
  /** Reserved by its allocator and not in use. */
  readonly slackBytes: number;
}

/** What was measured of a card, by its driver rather than by the book. */
export interface CardTruth {
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly slots: readonly SlotTruth[];
}

export interface Reconciliation {
  readonly ledger: CardLedger;
  /** Measured less booked: positive where more is in use than the book says. */
  readonly driftBytes: number;
}

/**
 * Corrects the book by what was measured. Runs keep what they were promised, since they may be
 * before their peak. An idle process holds what it measurably holds: models that left by themselves
 * are struck out, and more than its models is its cache. What remains when nothing of ours is left
 * to explain it belongs to others.
 */
export function reconcile(ledger: CardLedger, truth: CardTruth, nowMs: number): Reconciliation {
  const slots = ledger.slots.map(({ id, slackBytes }) => {
    const measured = truth.slots.find(({ slot }) => slot === id);
    return { id, slackBytes: measured?.slackBytes ?? slackBytes };
  });
  const book: CardLedger = { ...ledger, totalBytes: truth.totalBytes, slots };
  const driftBytes = truth.usedBytes - bookedBytes(book);
  const perProcess = truth.slots.filter(({ heldBytes }) => heldBytes !== null);
  const corrected = perProcess.reduce((next, slot) => correctByProcess(next, slot, nowMs), book);
  if (corrected.slots.some(({ id }) => !isIdle(corrected, id))) {
    return { ledger: corrected, driftBytes };
  }
  return { ledger: correctByCard(corrected, truth.usedBytes, nowMs), driftBytes };
}

function bookedBytes(ledger: CardLedger): number {
  const slackBytes = ledger.slots.reduce((sum, slot) => sum + slot.slackBytes, 0);
  return sumBytes(ledger.allocations) + ledger.foreignBytes + ledger.reserveBytes + slackBytes;
}

function correctByProcess(ledger: CardLedger, truth: SlotTruth, nowMs: number): CardLedger {
  const { slot, heldBytes, slackBytes } = truth;
  if (heldBytes === null || !isIdle(ledger, slot)) return ledger;
  // Its context is in the reserve.
  const contextBytes = ledger.reserveBytes / ledger.slots.length;
  return holding(ledger, slot, Math.max(0, heldBytes - contextBytes - slackBytes), nowMs);
}

/** Nothing runs, so whatever differs is lasting. */
function correctByCard(ledger: CardLedger, usedBytes: number, nowMs: number): CardLedger {
  const missing = bookedBytes(ledger) - usedBytes;
  if (missing > 0) {
    // Others left first; then those of ours that can be told no better.
    const foreignBytes = Math.max(0, ledger.foreignBytes - missing);
    const stillMissing = missing - (ledger.foreignBytes - foreignBytes);
    return shrunk({ ...ledger, foreignBytes }, stillMissing, nowMs);
  }
  const [largest] = ledger.slots
    .map(({ id }) => ({ id, bytes: heldBy(ledger, id) }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
  if (largest === undefined) return { ...ledger, foreignBytes: ledger.foreignBytes - missing };
  return holding(ledger, largest.id, largest.bytes - missing, nowMs);
}

function shrunk(ledger: CardLedger, missingBytes: number, nowMs: number): CardLedger {
  let book = ledger;
  let left = missingBytes;
  for (const { id } of ledger.slots) {
    const held = heldBy(book, id);
    const less = Math.min(held, left);
    if (less <= 0) continue;
    book = holding(book, id, held - less, nowMs);
    left -= less;
  }
  return book;
}

function heldBy(ledger: CardLedger, slot: string): number {
  return sumBytes(ledger.allocations.filter((one) => one.slot === slot));
}

/**
 * The book with an idle slot that holds exactly so much. Its cache is what it holds beside its
 * models; ComfyUI unloads by itself the longest unused first, and a model in part keeps that part.
 */
function holding(ledger: CardLedger, slot: string, bytes: number, nowMs: number): CardLedger {
  const others = ledger.allocations.filter((one) => one.slot !== slot);
  const models = ledger.allocations.filter((one) => one.slot === slot && one.pool === "models");
  let leftBytes = bytes;
  const kept: Allocation[] = [];
  for (const model of [...models].sort((a, b) => b.lastUsedMs - a.lastUsedMs)) {
    const size = Math.min(model.bytes, leftBytes);
    if (size <= 0) continue;
    leftBytes -= size;
    kept.push({ ...model, bytes: size });
  }
  const cache = leftBytes > 0 ? [cacheOf(slot, leftBytes, nowMs)] : [];
  return { ...ledger, allocations: [...others, ...kept, ...cache] };
}

function cacheOf(slot: string, bytes: number, nowMs: number): Allocation {
  return {
    pool: "cache",
    name: "",
    slot,
    bytes,
    priority: 0,
    isPinned: false,
    leases: [],
    uses: 1,
    lastUsedMs: nowMs,
    reloadMs: 0,
    credit: 0,
  };
}
