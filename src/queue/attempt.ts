/**
 * How an attempt ended. `lost`: its worker fell silent past the lease. `released`: its worker gave
 * it back. A `lost` or `released` attempt may still become `succeeded` by a late accept.
 */
export const attemptOutcomes = ["succeeded", "failed", "canceled", "released", "lost"] as const;

export type AttemptOutcome = (typeof attemptOutcomes)[number];

export const attemptStates = ["running", ...attemptOutcomes] as const;

export type AttemptState = (typeof attemptStates)[number];

/** Every legal arrow between attempt states. */
export const attemptArrows: Readonly<Record<AttemptState, readonly AttemptOutcome[]>> = {
  running: attemptOutcomes,
  released: ["succeeded"],
  lost: ["succeeded"],
  succeeded: [],
  failed: [],
  canceled: [],
};
