/** What the memory of a card is used for. */
export const poolNames = ["models", "inference", "cache"] as const;

export type PoolName = (typeof poolNames)[number];

/** Who yields first, from the most patient. */
export const memoryPriorities = { low: 0, normal: 1, high: 2, critical: 3 } as const;

/** One thing that lies in the memory of a card. */
export interface Allocation {
  readonly pool: PoolName;
  /** A model key, the lease of a run, or "" for what a process caches. */
  readonly name: string;
  /** The process that holds it; no other can use it. */
  readonly slot: string;
  readonly bytes: number;
  /** The highest priority of a job that used it, 0 to 3. */
  readonly priority: number;
  readonly isPinned: boolean;
  /** The runs that need it now; what has a lease never leaves. */
  readonly leases: readonly string[];
  readonly uses: number;
  readonly lastUsedMs: number;
  /** What it would take to have it back. */
  readonly reloadMs: number;
  /** Its Greedy-Dual-Size-Frequency value as of its last use. */
  readonly credit: number;
}

/** A process that shares the card. */
export interface Slot {
  readonly id: string;
  /** Reserved by its allocator and not in use, as last measured. */
  readonly slackBytes: number;
}

/** Who leaves first among things of equal priority. */
export type EvictionOrder = "gdsf" | "lru";

/**
 * What can leave by itself. ComfyUI unloads only all models of a process at once; `allocation` is
 * for a server that unloads one.
 */
export type EvictionUnit = "allocation" | "slot";

/** How the card is shared between the pools; see `strategy.ts`. */
export type Strategy = "balanced" | "model-heavy" | "inference-heavy";

/** The book of one card: a snapshot in plain JSON. */
export interface CardLedger {
  readonly totalBytes: number;
  /** Never given out: contexts of the processes, the operator's reserve. */
  readonly reserveBytes: number;
  /** Measured in use, but by nobody in this book. */
  readonly foreignBytes: number;
  readonly strategy: Strategy;
  readonly evictionOrder: EvictionOrder;
  readonly evictionUnit: EvictionUnit;
  /** The credit of the latest victim: what stays must have been worth more. */
  readonly creditFloor: number;
  readonly slots: readonly Slot[];
  readonly allocations: readonly Allocation[];
}

export interface CardOptions {
  readonly totalBytes: number;
  readonly reserveBytes?: number;
  readonly strategy?: Strategy;
  readonly evictionOrder?: EvictionOrder;
  readonly evictionUnit?: EvictionUnit;
  readonly slots: readonly string[];
}

/** The empty book of a card. */
export function openLedger(options: CardOptions): CardLedger {
  const { totalBytes, reserveBytes = 0, slots } = options;
  return {
    totalBytes,
    reserveBytes: Math.min(reserveBytes, totalBytes),
    foreignBytes: 0,
    strategy: options.strategy ?? "balanced",
    evictionOrder: options.evictionOrder ?? "gdsf",
    evictionUnit: options.evictionUnit ?? "slot",
    creditFloor: 0,
    slots: slots.map((id) => ({ id, slackBytes: 0 })),
    allocations: [],
  };
}

/** What can ever be given out on this card. */
export function usableBytes(ledger: CardLedger): number {
  return Math.max(0, ledger.totalBytes - ledger.reserveBytes);
}

export function sumBytes(allocations: readonly { readonly bytes: number }[]): number {
  return allocations.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What is taken as `slot` sees it: its own slack it can use, that of others it cannot. */
export function takenBytes(ledger: CardLedger, slot: string): number {
  const foreignSlack = ledger.slots
    .filter(({ id }) => id !== slot)
    .reduce((sum, { slackBytes }) => sum + slackBytes, 0);
  return sumBytes(ledger.allocations) + ledger.foreignBytes + foreignSlack;
}

export function isHeld(allocation: Allocation): boolean {
  return allocation.isPinned || allocation.leases.length > 0;
}

/** Whether no run is under way in a process. */
export function isIdle(ledger: CardLedger, slot: string): boolean {
  return ledger.allocations.every((one) => one.slot !== slot || one.leases.length === 0);
}

/** Bytes by pool. */
export function poolBytes(ledger: CardLedger): Readonly<Record<PoolName, number>> {
  const used = { models: 0, inference: 0, cache: 0 };
  for (const { pool, bytes } of ledger.allocations) used[pool] += bytes;
  return used;
}
