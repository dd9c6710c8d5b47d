import { setTimeout as delay } from "node:timers/promises";

import { backoffMs, type Backoff } from "../kernel/backoff.ts";

export interface RetryOptions extends Backoff {
  readonly signal: AbortSignal;
  /** Default: as often as it takes until `signal` aborts. */
  readonly maxTries?: number;
  readonly isRetryable: (thrown: unknown) => boolean;
  readonly onRetry?: (thrown: unknown, waitMs: number) => void;
}

/** Runs `task` until it succeeds, fails for good, is out of tries, or `signal` aborts. */
export async function retrying<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, maxTries = Infinity } = options;
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      return await task();
    } catch (thrown) {
      signal.throwIfAborted();
      if (failures >= maxTries || !options.isRetryable(thrown)) throw thrown;
      const waitMs = backoffMs(failures, options, Math.random());
      options.onRetry?.(thrown, waitMs);
      await pause(waitMs, signal);
    }
  }
}

/** Waits; throws the reason when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await delay(ms, undefined, { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  }
}

/** Runs a task under a signal that aborts after `ms`, or when one of `signals` does. */
export async function within<T>(
  ms: number,
  signals: readonly AbortSignal[],
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // Not AbortSignal.timeout: combined with others it may be collected before it fires.
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error(`not done within ${ms} ms`)), ms);
  try {
    return await task(AbortSignal.any([patience.signal, ...signals]));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs tasks over `items`, at most `limit` at a time, and keeps the order of the results. The first
 * failure ends the rest: no further item is begun, and it is thrown once those begun have settled.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length && !failed; index = next++) {
      try {
        results[index] = await task(items[index] as T, index);
      } catch (thrown) {
        failed = true;
        throw thrown;
      }
    }
  };
  const lanes = Array.from({ length: Math.min(limit, items.length) }, lane);
  const settled = await Promise.allSettled(lanes);
  const fault = settled.find((outcome) => outcome.status === "rejected");
  if (fault !== undefined) throw fault.reason;
  return results;
}
