/** Fewer gaps say nothing. */
export const minGaps = 30;

/**
 * How long an idle worker is worth its price: as long as idling costs less than coming back. The
 * worst case is twice the cost of one who knows the future.
 */
export function breakEvenMs(coldStartMs: number, worthMicroUsd: number, rate: HourRate): number {
  const { microUsdPerHour } = rate;
  if (microUsdPerHour === 0) return Infinity;
  return coldStartMs + (worthMicroUsd / microUsdPerHour) * 3_600_000;
}

export interface HourRate {
  readonly microUsdPerHour: number;
}

/**
 * The keep-alive that would have been cheapest over the gaps seen: idle time up to it, plus
 * `returnMs` for every gap that was longer. Undefined with fewer than `minGaps`.
 */
export function cheapestKeepAliveMs(
  gapsMs: readonly number[],
  returnMs: number,
): number | undefined {
  if (gapsMs.length < minGaps) return undefined;
  const sorted = gapsMs.toSorted((left, right) => left - right);
  let bestMs = 0;
  let bestCost = sorted.length * returnMs;
  let bridgedMs = 0;
  for (const [index, gapMs] of sorted.entries()) {
    bridgedMs += gapMs;
    const longer = sorted.length - 1 - index;
    const cost = bridgedMs + longer * (gapMs + returnMs);
    if (cost < bestCost) [bestMs, bestCost] = [gapMs, cost];
  }
  return bestMs;
}
