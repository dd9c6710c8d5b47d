import type { Verdict } from "../protocol/worker-link.ts";
import type { AttemptRef } from "./link.ts";
import type { CardLease } from "./memory/slot-memory.ts";

/** Why an attempt is stopped from outside. */
export type InterruptionKind = "cancel" | "stale" | "deadline" | "shutdown";

class Interruption extends Error {
  override readonly name = "Interruption";
  readonly kind: InterruptionKind;

  constructor(kind: InterruptionKind) {
    super(kind);
    this.kind = kind;
  }
}

/** What others may do to the attempt that runs: the heartbeat, its deadline, the agent's end. */
export class AttemptControl {
  readonly ref: AttemptRef;
  /** Given back to the queue: it runs on, but is no longer spoken of until it is complete. */
  isReleased = false;
  /** Its outputs are stored and it is being reported as done. */
  isCompleting = false;
  /** The prompt that ComfyUI may be running for it. */
  livePromptId: string | undefined;
  /** What it was let onto the card with. */
  lease: CardLease | undefined;
  /** The most video memory that it was seen to take. */
  peakBytes: number | undefined;
  private readonly controller = new AbortController();

  constructor(ref: AttemptRef) {
    this.ref = ref;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The first interruption counts, except that nothing is said of an attempt once it is stale. */
  interrupt(kind: InterruptionKind): void {
    this.controller.abort(new Interruption(kind));
  }

  obey(verdict: Verdict): void {
    if (verdict !== "continue" && !this.isCompleting) this.interrupt(verdict);
  }
}

/** Why `signal` was aborted, if that was an interruption. */
export function interruptionOf(signal: AbortSignal): InterruptionKind | undefined {
  return signal.reason instanceof Interruption ? signal.reason.kind : undefined;
}
