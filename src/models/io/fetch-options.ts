import type { Backoff } from "../../kernel/backoff.ts";

/** How patient a download is. */
export interface FetchPatience {
  /** A connection that does not bring a whole block in this time is given up. */
  readonly slowMs: number;
  /** Failures in a row without a block in between, until the download ends. */
  readonly maxFailures: number;
  readonly backoff: Backoff;
  /** Between looks at the rate. */
  readonly lookMs: number;
}

export const defaultPatience: FetchPatience = {
  slowMs: 60_000,
  maxFailures: 5,
  backoff: { minMs: 250, maxMs: 8_000 },
  lookMs: 100,
};
