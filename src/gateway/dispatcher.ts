import type { Claim } from "../store/attempts.ts";
import type { Seat } from "../store/jobs.ts";

export interface ClaimWish {
  /** Busy with another job still: workers that are idle come first. */
  readonly isAhead?: boolean | undefined;
  /** The most video memory that the job may need, where others share the card. */
  readonly budgetBytes?: number | undefined;
}

/** A waiting worker that is held for a job about to be recorded; one of the two must be called. */
export interface HeldSeat {
  readonly seat: Seat;
  /** The job is its own. */
  give(claim: Claim): Promise<void>;
  /** It waits on. */
  letGo(): void;
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
  /** An idle worker for a job that needs no model, where nothing that is known comes before it. */
  hold(deploymentId: number): HeldSeat | undefined;
}
