import { setTimeout as delay } from "node:timers/promises";

import { HearthError, errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";

export interface LoopOptions {
  readonly name: string;
  readonly intervalMs: number;
  /** One pass; its end starts the next interval, so passes never overlap. */
  readonly run: () => Promise<void>;
  readonly logger: Logger;
  /** Between 0 and 1; spreads the passes of many controllers. */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** A fifth of the interval either way. */
const jitterShare = 0.2;

/** Passes at once and then at intervals until the signal aborts. Never rejects. */
export async function runLoop(options: LoopOptions): Promise<void> {
  const { name, run, logger, random, signal } = options;
  while (!signal.aborted) {
    try {
      await run();
    } catch (thrown) {
      logger.warn({ loop: name, error: describe(thrown) }, "control loop failed; it goes on");
    }
    const waitMs = options.intervalMs * (1 + jitterShare * (2 * random() - 1));
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

function describe(thrown: unknown): string {
  return thrown instanceof HearthError ? thrown.code : errorMessage(thrown);
}
