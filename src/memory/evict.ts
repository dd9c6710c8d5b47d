import { formatBytes } from "../kernel/bytes.ts";
import type { MemoryCommand } from "./command.ts";
import {
  isHeld,
  isIdle,
  poolBytes,
  sumBytes,
  type Allocation,
  type CardLedger,
  type Slot,
} from "./ledger.ts";
import { shareBytes } from "./strategy.ts";

/** Things that can only leave together. */
interface Victim {
  readonly slot: string;
  readonly allocations: readonly Allocation[];
  readonly bytes: number;
}

export interface EvictionRequest {
  /** For whom room is made. */
  readonly slot: string;
  readonly bytes: number;
  /** Model keys that `slot` is about to use: where they can stay they do. */
  readonly keeps: ReadonlySet<string>;
}

export interface EvictionPlan {
  readonly commands: readonly MemoryCommand[];
  readonly freedBytes: number;
  readonly isEnough: boolean;
}

/**
 * Who leaves so that `bytes` become free. Nothing with a lease or a pin leaves, nor what can only
 * leave together with such. First who is of the lowest priority, then who belongs to a pool beyond
 * its share, then the least credit (or the longest unused); what then proves needless stays.
 */
export function planEviction(ledger: CardLedger, request: EvictionRequest): EvictionPlan {
  const chosen: { victim: Victim; gain: number }[] = [];
  let freed = 0;
  for (const victim of victimsInOrder(ledger, request)) {
    if (freed >= request.bytes) break;
    const gain = gainOf(victim, request);
    if (gain <= 0) continue;
    chosen.push({ victim, gain });
    freed += gain;
  }
  // From the most valuable down: a large victim chosen later may have made it needless.
  for (let at = chosen.length - 1; at >= 0; at--) {
    const gain = chosen[at]?.gain ?? 0;
    if (freed - gain < request.bytes) continue;
    freed -= gain;
    chosen.splice(at, 1);
  }
  const commands = chosen.map(({ victim }) => commandOf(ledger, victim, request));
  return { commands, freedBytes: freed, isEnough: freed >= request.bytes };
}

/** What could become free for `slot` if everything left that may. */
export function evictableBytes(
  ledger: CardLedger,
  request: Omit<EvictionRequest, "bytes">,
): number {
  const wanted = { ...request, bytes: Infinity };
  return victimsInOrder(ledger, wanted).reduce(
    (sum, victim) => sum + Math.max(0, gainOf(victim, wanted)),
    0,
  );
}

function victimsInOrder(ledger: CardLedger, request: EvictionRequest): readonly Victim[] {
  const victims = victimsOf(ledger, request);
  const used = poolBytes(ledger);
  const isOverShare = (victim: Victim): boolean =>
    victim.allocations.some(({ pool }) => used[pool] > shareBytes(ledger, pool));
  const rank = (victim: Victim): readonly number[] => [
    Math.max(-1, ...victim.allocations.map(({ priority }) => priority)),
    isOverShare(victim) ? 0 : 1,
    ledger.evictionOrder === "lru"
      ? Math.max(0, ...victim.allocations.map(({ lastUsedMs }) => lastUsedMs))
      : victim.allocations.reduce((sum, { credit }) => sum + credit, 0),
  ];
  return victims
    .map((victim) => ({ victim, rank: rank(victim) }))
    .sort((a, b) => compareRanks(a.rank, b.rank))
    .map(({ victim }) => victim);
}

function victimsOf(ledger: CardLedger, { slot, keeps }: EvictionRequest): readonly Victim[] {
  const { allocations, slots, evictionUnit } = ledger;
  const slackOf = (slack: Slot): number => (slack.id === slot ? 0 : slack.slackBytes);
  if (evictionUnit === "slot") {
    return slots.flatMap((each) => {
      const mine = allocations.filter((one) => one.slot === each.id);
      if (mine.some(isHeld)) return [];
      return [{ slot: each.id, allocations: mine, bytes: sumBytes(mine) + slackOf(each) }];
    });
  }
  const singles = allocations
    .filter((one) => !isHeld(one) && !(one.slot === slot && keeps.has(one.name)))
    .map((one) => ({ slot: one.slot, allocations: [one], bytes: one.bytes }));
  const slack = slots
    .filter(({ id }) => isIdle(ledger, id))
    .map((each) => ({ slot: each.id, allocations: [], bytes: slackOf(each) }));
  return [...slack, ...singles];
}

/** What a slot is about to use stays with it. */
function gainOf(victim: Victim, request: EvictionRequest): number {
  const kept = victim.allocations.filter((one) => isNeeded(one, request));
  return victim.bytes - sumBytes(kept);
}

function isNeeded(one: Allocation, { slot, keeps }: Omit<EvictionRequest, "bytes">): boolean {
  return one.slot === slot && one.pool === "models" && keeps.has(one.name);
}

function commandOf(ledger: CardLedger, victim: Victim, request: EvictionRequest): MemoryCommand {
  const { slot, allocations, bytes } = victim;
  if (allocations.length === 0) {
    const reason = `${formatBytes(bytes)} reserved and not in use by slot ${slot}`;
    return { kind: "compact", slot, bytes, reason };
  }
  const leaving = allocations.filter((one) => !isNeeded(one, request));
  const order = ledger.evictionOrder === "lru" ? "longest unused" : "least worth keeping";
  return {
    kind: "evict",
    slot,
    names: leaving.map(({ name }) => name),
    isPartial: leaving.length < allocations.length,
    bytes: gainOf(victim, request),
    reason: `slot ${request.slot} needs ${formatBytes(request.bytes)} more; ${order} of the lowest priority`,
  };
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [at, value] of a.entries()) {
    const difference = value - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
