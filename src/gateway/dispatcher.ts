import type { Claim } from "../store/attempts.ts";

export interface ClaimWish {
  /** Busy with another job still: workers that are idle come first. */
  readonly isAhead?: boolean | undefined;
  /** The most video memory that the job may need, where others share the card. */
  readonly budgetBytes?: number | undefined;
}

/** Hands queued jobs to waiting workers, many in one statement. */
export interface Dispatcher {
  /** The next job for this worker, or undefined after `waitMs` or on abort. */
  claim(
    deploymentId: number,
    workerId: string,
    waitMs: number,
    signal: AbortSignal,
    wish?: ClaimWish,
  ): Promise<Claim | undefined>;
}
