import { poolBytes, type CardLedger } from "../../memory/ledger.ts";
import type { CardMemory } from "../../protocol/worker-link.ts";
import type { Measurement } from "./card-measure.ts";

/** The card as the gateway hears of it. */
export function cardReport(ledger: CardLedger, latest: Measurement): CardMemory {
  const { models, inference, cache } = poolBytes(ledger);
  const slackBytes = ledger.slots.reduce((sum, slot) => sum + slot.slackBytes, 0);
  return {
    totalBytes: ledger.totalBytes,
    reserveBytes: ledger.reserveBytes,
    modelsBytes: Math.round(models),
    inferenceBytes: Math.round(inference),
    cacheBytes: Math.round(cache),
    foreignBytes: Math.round(ledger.foreignBytes),
    slackBytes,
    measuredBytes: latest.truth.usedBytes,
    driftBytes: Math.round(latest.driftBytes),
    source: latest.source,
    strategy: ledger.strategy,
  };
}
