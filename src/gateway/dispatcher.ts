import type { Claim } from "../store/attempts.ts";

/** Hands queued jobs to waiting workers, many in one statement. */
export interface Dispatcher {
  /** The next job for this worker, or undefined after `waitMs` or on abort. */
  claim(
    deploymentId: number,
    workerId: string,
    waitMs: number,
    signal: AbortSignal,
    /** Busy with another job still: workers that are idle come first. */
    isAhead?: boolean,
  ): Promise<Claim | undefined>;
}
