export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

/** How long to wait after failure number `failures` (1, 2, …); `random` is in [0, 1). */
export function backoffMs(failures: number, backoff: Backoff, random: number): number {
  const ceiling = Math.min(backoff.maxMs, backoff.minMs * 2 ** Math.min(failures - 1, 30));
  // Half fixed, half random: never at once, and a fleet does not come back in step.
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
