/** Lets one waiter sleep until it is woken; a wake before the sleep ends that sleep at once. */
export class Waker {
  private isAwake = false;
  private resume: (() => void) | undefined;

  wake(): void {
    this.isAwake = true;
    this.resume?.();
  }

  /** Until the next wake, at most `maxMs`. */
  async wait(maxMs: number): Promise<void> {
    if (!this.isAwake) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxMs);
        this.resume = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.resume = undefined;
    }
    this.isAwake = false;
  }
}
