/** Where a job stands; the states and their names are those of Comfy API v2. */
export const jobStates = [
  "queued",
  "running",
  "canceling",
  "succeeded",
  "failed",
  "canceled",
  "expired",
] as const;

export type JobState = (typeof jobStates)[number];

export const terminalStates = ["succeeded", "failed", "canceled", "expired"] as const;

export type TerminalState = (typeof terminalStates)[number];

export function isTerminal(state: JobState): state is TerminalState {
  return (terminalStates as readonly JobState[]).includes(state);
}

/** Why a job failed or expired; `code` is a code of the error table. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  readonly nodeId: string | null;
  readonly classType: string | null;
  readonly traceback: string | null;
}
