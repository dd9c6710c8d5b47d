import { Alarm } from "./alarm.ts";
import type { AttemptControl } from "./attempt-control.ts";

interface OpenAttempt {
  readonly done: Promise<void>;
  hasExecuted: boolean;
}

/** Prompts shorter than this end sooner than a claim pays off after them. */
const shortMs = 250;
/** How many short ones in a row it takes to believe that the next is short too. */
const shortRun = 4;
/** Attempts whose outputs are being stored; more would only pile up in memory. */
const maxStoring = 2;
const lookMs = 60_000;

/**
 * The attempts that a worker has taken on. One executes; while its outputs are stored the next one
 * may. Where prompts are short, one more is claimed while the present one runs, so that ComfyUI
 * does not wait for the way to the gateway and back.
 */
export class OpenAttempts {
  private readonly open = new Map<AttemptControl, OpenAttempt>();
  private readonly changed = new Alarm();
  /** How long the latest prompts ran, newest last. */
  private recentMs: readonly number[] = [];

  /** Oldest first. */
  get controls(): readonly AttemptControl[] {
    return [...this.open.keys()];
  }

  /** Whether an attempt claimed now would wait for another to execute. */
  get isExecuting(): boolean {
    return this.pending > 0;
  }

  /** Takes an attempt on. `run` never rejects and calls `executed` when ComfyUI is done with it. */
  start(control: AttemptControl, run: (executed: (tookMs: number) => void) => Promise<void>): void {
    const executed = (tookMs: number): void => {
      this.recentMs = [...this.recentMs, tookMs].slice(-shortRun);
      const attempt = this.open.get(control);
      if (attempt !== undefined) attempt.hasExecuted = true;
      this.changed.ring();
    };
    const done = run(executed).finally(() => {
      this.open.delete(control);
      this.changed.ring();
    });
    this.open.set(control, { done, hasExecuted: false });
  }

  /** Returns when another job may be claimed, or when one of the signals aborts. For one caller. */
  async room(signals: readonly AbortSignal[]): Promise<void> {
    while (!this.hasRoom() && !signals.some(({ aborted }) => aborted)) {
      await this.changed.wait(lookMs, signals);
    }
  }

  async settled(): Promise<void> {
    await Promise.all([...this.open.values()].map(({ done }) => done));
  }

  private get pending(): number {
    return [...this.open.values()].filter(({ hasExecuted }) => !hasExecuted).length;
  }

  private hasRoom(): boolean {
    const { pending } = this;
    if (this.open.size - pending >= maxStoring) return false;
    const areShort =
      this.recentMs.length === shortRun && this.recentMs.every((tookMs) => tookMs < shortMs);
    return pending < (areShort ? 2 : 1);
  }
}
