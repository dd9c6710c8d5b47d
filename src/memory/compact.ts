import { formatBytes } from "../kernel/bytes.ts";
import type { MemoryCommand } from "./command.ts";
import { isHeld, isIdle, sumBytes, type CardLedger } from "./ledger.ts";

/** From this share of a process's reserved memory on, unused memory is worth giving back. */
const compactionShare = 0.5;
/** Less than this is not worth the loading that follows. */
const leastCompactionBytes = 512 * 1024 ** 2;

/**
 * Idle processes whose allocator holds much that nobody uses. Where models can only leave all at
 * once, giving memory back unloads them, so a process with a pinned model is left alone.
 */
export function planCompaction(
  ledger: CardLedger,
  share: number = compactionShare,
): readonly MemoryCommand[] {
  return ledger.slots.flatMap(({ id, slackBytes }): readonly MemoryCommand[] => {
    const mine = ledger.allocations.filter((one) => one.slot === id);
    const reservedBytes = sumBytes(mine) + slackBytes;
    if (slackBytes < leastCompactionBytes || slackBytes < share * reservedBytes) return [];
    if (!isIdle(ledger, id)) return [];
    const size = `${formatBytes(slackBytes)} of ${formatBytes(reservedBytes)} reserved, not in use`;
    if (ledger.evictionUnit === "allocation" || mine.length === 0) {
      return [{ kind: "compact", slot: id, bytes: slackBytes, reason: size }];
    }
    if (mine.some(isHeld)) return [];
    const names = mine.map(({ name }) => name);
    return [
      { kind: "evict", slot: id, names, isPartial: false, bytes: reservedBytes, reason: size },
    ];
  });
}
