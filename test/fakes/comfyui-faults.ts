/** What a test makes the fake ComfyUI do wrong. All are off by default. */
export interface ComfyFaults {
  /** The socket stays open and never says anything. */
  silentSocket: boolean;
  /** The connection is cut at the start of a prompt, this many times. */
  socketResets: number;
  /** Announces success, and even the end, at once, while the prompt still runs. */
  liesAboutSuccess: boolean;
  /** The process ends (or the server vanishes) in the middle of this many prompts. */
  crashes: number;
  /** This many prompts never end by themselves. */
  hangs: number;
  /** A hanging prompt does not end when it is interrupted either. */
  ignoresInterrupts: boolean;
  /** This many cancels are confirmed but have no effect. */
  lostCancels: number;
  /** Like servers of before June 2026, it has no route to cancel a job. */
  hasNoCancelRoute: boolean;
  /** The prompt is queued but the reply to its submission is lost, this many times. */
  lostReplies: number;
  /** The data of an execution_error that ends this many prompts. */
  errors: Record<string, unknown>[];
  /** A blocked output is reported as an error although the run goes on. */
  blocksOutput: boolean;
  /** Somebody else interrupts this many prompts. */
  interruptions: number;
  /** Node errors that come with a 200. */
  nodeErrors: Record<string, unknown> | null;
  /** What becomes of saved files, this many times. */
  emptyFiles: number;
  truncatedFiles: number;
}

export function noFaults(): ComfyFaults {
  return {
    silentSocket: false,
    socketResets: 0,
    liesAboutSuccess: false,
    crashes: 0,
    hangs: 0,
    ignoresInterrupts: false,
    lostCancels: 0,
    hasNoCancelRoute: false,
    lostReplies: 0,
    errors: [],
    blocksOutput: false,
    interruptions: 0,
    nodeErrors: null,
    emptyFiles: 0,
    truncatedFiles: 0,
  };
}

type Counter = {
  [name in keyof ComfyFaults]: ComfyFaults[name] extends number ? name : never;
}[keyof ComfyFaults];

/** Whether a counted fault is to strike now; counts it. */
export function strikes(faults: ComfyFaults, name: Counter): boolean {
  if (faults[name] <= 0) return false;
  faults[name]--;
  return true;
}
