/** Lets one waiter sleep until somebody rings, a time has passed, or a signal aborts. */
export class Alarm {
  private isRinging = false;
  private wake: (() => void) | undefined;

  /** Wakes the waiter, or the next one at once if nobody waits now. */
  ring(): void {
    this.isRinging = true;
    this.wake?.();
  }

  /** Never rejects; the caller looks at its signals itself. */
  async wait(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    if (!this.isRinging && !signals.some((signal) => signal.aborted)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.wake?.(), ms);
        const wake = (): void => {
          clearTimeout(timer);
          for (const signal of signals) signal.removeEventListener("abort", wake);
          this.wake = undefined;
          resolve();
        };
        this.wake = wake;
        for (const signal of signals) signal.addEventListener("abort", wake);
      });
    }
    this.isRinging = false;
  }
}
