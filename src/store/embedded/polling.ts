import { setTimeout as delay } from "node:timers/promises";

export interface PollingBounds {
  readonly timeoutMs: number;
  readonly intervalMs: number;
}

/**
 * Asks `probe` until it answers something other than undefined, at least once and then every
 * `intervalMs`; undefined when `timeoutMs` have passed. What `probe` throws ends the wait.
 */
export async function pollUntil<T>(
  probe: () => Promise<T | undefined>,
  bounds: PollingBounds,
): Promise<T | undefined> {
  const expired = AbortSignal.timeout(bounds.timeoutMs);
  for (;;) {
    const answer = await probe();
    if (answer !== undefined || expired.aborted) return answer;
    await delay(bounds.intervalMs);
  }
}
