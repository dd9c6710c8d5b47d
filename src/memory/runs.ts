import type { AdmissionDecision, MemoryRequest, ModelNeed } from "./admit.ts";
import type { MemoryCommand } from "./command.ts";
import type { Allocation, CardLedger } from "./ledger.ts";

/**
 * Greedy-Dual-Size-Frequency: what is used often, slow to load and small is worth keeping. The
 * floor rises with every victim, so that old fame fades.
 */
function creditOf(
  ledger: Pick<CardLedger, "creditFloor">,
  { uses, reloadMs, bytes }: Pick<Allocation, "uses" | "reloadMs" | "bytes">,
): number {
  return ledger.creditFloor + (uses * reloadMs) / Math.max(1, bytes / bytesPerCredit);
}

const bytesPerCredit = 1024 ** 2;

/** Notes that an admitted run has begun: its commands have been carried out, its memory is taken. */
export function beginRun(
  ledger: CardLedger,
  request: MemoryRequest,
  decision: Extract<AdmissionDecision, { action: "admit" }>,
  nowMs: number,
): CardLedger {
  const cleared = decision.commands.reduce(noteFreed, ledger);
  const { slot, lease, priority, models, inferenceBytes } = request;
  const isMine = (one: Allocation): boolean =>
    one.slot === slot && one.pool === "models" && models.some(({ name }) => name === one.name);
  const residents = cleared.allocations.filter(isMine);
  const others = cleared.allocations.filter((one) => !isMine(one));
  let leftBytes = decision.modelBytes - residents.reduce((sum, { bytes }) => sum + bytes, 0);
  const place = (model: ModelNeed): Allocation => {
    const known = residents.find(({ name }) => name === model.name);
    const bytes = known?.bytes ?? Math.max(0, Math.min(model.bytes, leftBytes));
    if (known === undefined) leftBytes -= bytes;
    const uses = (known?.uses ?? 0) + 1;
    const { name, reloadMs } = model;
    return {
      pool: "models",
      name,
      slot,
      bytes,
      priority: Math.max(priority, known?.priority ?? 0),
      isPinned: known?.isPinned ?? false,
      leases: [...(known?.leases ?? []), lease],
      uses,
      lastUsedMs: nowMs,
      reloadMs,
      credit: creditOf(cleared, { uses, reloadMs, bytes }),
    };
  };
  const working: Allocation = {
    pool: "inference",
    name: lease,
    slot,
    bytes: inferenceBytes,
    priority,
    isPinned: false,
    leases: [lease],
    uses: 1,
    lastUsedMs: nowMs,
    reloadMs: 0,
    credit: 0,
  };
  return { ...cleared, allocations: [...others, ...models.map(place), working] };
}

/** Notes that a run has ended, however it did: its models stay, its working memory does not. */
export function endRun(ledger: CardLedger, lease: string, nowMs: number): CardLedger {
  const allocations = ledger.allocations
    .filter((one) => one.pool !== "inference" || one.name !== lease)
    .map((one) => (one.leases.includes(lease) ? withoutLease(one, lease, nowMs) : one));
  return { ...ledger, allocations };
}

function withoutLease(one: Allocation, lease: string, nowMs: number): Allocation {
  return { ...one, leases: one.leases.filter((each) => each !== lease), lastUsedMs: nowMs };
}

/** Notes that a command has been carried out. What has a lease or a pin stays whatever it says. */
export function noteFreed(ledger: CardLedger, command: MemoryCommand): CardLedger {
  const isWhole = command.kind === "compact" || !command.isPartial;
  const slots = ledger.slots.map((each) =>
    isWhole && each.id === command.slot ? { ...each, slackBytes: 0 } : each,
  );
  if (command.kind === "compact") return { ...ledger, slots };
  const leaves = (one: Allocation): boolean =>
    one.slot === command.slot &&
    command.names.includes(one.name) &&
    one.leases.length === 0 &&
    !one.isPinned;
  const gone = ledger.allocations.filter(leaves);
  const creditFloor = Math.max(ledger.creditFloor, ...gone.map(({ credit }) => credit));
  const allocations = ledger.allocations.filter((one) => !leaves(one));
  return { ...ledger, slots, allocations, creditFloor };
}

/** Notes that a process has ended: with it goes all that it held, pinned or not. */
export function noteSlotGone(ledger: CardLedger, slot: string): CardLedger {
  return {
    ...ledger,
    slots: ledger.slots.map((each) => (each.id === slot ? { ...each, slackBytes: 0 } : each)),
    allocations: ledger.allocations.filter((one) => one.slot !== slot),
  };
}

/** Pins models by key, or lets them go; what is not loaded yet cannot be pinned here. */
export function pinModels(
  ledger: CardLedger,
  names: ReadonlySet<string>,
  isPinned: boolean,
): CardLedger {
  const allocations = ledger.allocations.map((one) =>
    one.pool === "models" && names.has(one.name) ? { ...one, isPinned } : one,
  );
  return { ...ledger, allocations };
}
