/**
 * ComfyUI runs one prompt at a time. An attempt takes the lane before it submits one and leaves it
 * when ComfyUI is done with it, so that the next can run while the outputs of this one are stored.
 */
export class PromptLane {
  private isTaken = false;
  private readonly waiting: (() => void)[] = [];

  /**
   * First come, first served. Resolves with how to leave, which has an effect once. Throws the
   * reason when the signal aborts before.
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.isTaken) await this.handedOver(signal);
    this.isTaken = true;
    let isMine = true;
    return () => {
      if (!isMine) return;
      isMine = false;
      const next = this.waiting.shift();
      if (next === undefined) this.isTaken = false;
      else next();
    };
  }

  private handedOver(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.waiting.splice(this.waiting.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      const enter = (): void => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      this.waiting.push(enter);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }
}
