import { isIdle, sumBytes, type CardLedger } from "../../memory/ledger.ts";
import type { DeviceMemory } from "./device-memory.ts";

export interface PeakView {
  readonly book: CardLedger;
  readonly slot: string;
  readonly lease: string;
}

/**
 * Looks at the card now and then while a run is under way, and tells the most that it took: weights
 * it needs and all. Nothing is told where another slot was at work too, since a card does not say
 * whose memory is whose.
 */
export class PeakWatch {
  private readonly measure: () => Promise<DeviceMemory | undefined>;
  private readonly view: () => PeakView | undefined;
  private readonly timer: NodeJS.Timeout;
  private slackAtStart: number | undefined;
  private peakBytes: number | undefined;
  private isAlone = true;
  private isLooking = false;

  constructor(
    measure: () => Promise<DeviceMemory | undefined>,
    view: () => PeakView | undefined,
    sampleMs: number,
  ) {
    this.measure = measure;
    this.view = view;
    this.timer = setInterval(() => void this.look(), sampleMs);
    this.timer.unref();
    void this.look();
  }

  /** Looks no more. The peak in bytes, where one could be told. */
  stop(): number | undefined {
    clearInterval(this.timer);
    return this.isAlone && this.peakBytes !== undefined && this.peakBytes > 0
      ? this.peakBytes
      : undefined;
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const memory = await this.measure().catch(() => undefined);
    this.isLooking = false;
    const view = this.view();
    if (memory === undefined || view === undefined) return;
    const { book, slot, lease } = view;
    if (book.slots.some(({ id }) => id !== slot && !isIdle(book, id))) this.isAlone = false;
    this.slackAtStart ??= memory.slackBytes;
    const others = book.allocations.filter((one) => !one.leases.includes(lease));
    const foreign = book.foreignBytes + book.reserveBytes + sumBytes(others);
    // What was reserved before counts only as far as the run makes use of it.
    const newSlack = Math.max(0, memory.slackBytes - this.slackAtStart);
    const usedBytes = memory.totalBytes - memory.freeBytes + newSlack - foreign;
    this.peakBytes = Math.max(this.peakBytes ?? 0, usedBytes);
  }
}
