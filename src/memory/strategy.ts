import { usableBytes, type CardLedger, type PoolName, type Strategy } from "./ledger.ts";

/**
 * The share of the usable memory that each pool may keep when another needs room. Shares are no
 * walls: what one pool does not use, the others may; but who holds more than its share yields first.
 */
export const poolShares: Readonly<Record<Strategy, Readonly<Record<PoolName, number>>>> = {
  balanced: { models: 0.6, inference: 0.3, cache: 0.1 },
  "model-heavy": { models: 0.75, inference: 0.2, cache: 0.05 },
  "inference-heavy": { models: 0.4, inference: 0.5, cache: 0.1 },
};

export const strategies: readonly Strategy[] = ["balanced", "model-heavy", "inference-heavy"];

/** What a pool may keep on this card when others need room. */
export function shareBytes(ledger: CardLedger, pool: PoolName): number {
  return Math.floor(usableBytes(ledger) * poolShares[ledger.strategy][pool]);
}
