import { BinaryHeap } from "../scheduler/binary-heap.ts";

interface Appointment {
  readonly atSeconds: number;
  readonly act: () => void;
}

/**
 * The virtual clock: acts in order of time. The same appointments in the same order give the
 * same run.
 */
export class Timeline {
  nowSeconds: number;
  private readonly agenda = new BinaryHeap<Appointment>({ keyOf: ({ atSeconds }) => atSeconds });

  constructor(startSeconds = 0) {
    this.nowSeconds = startSeconds;
  }

  /** Never in the past: what is due already happens now. */
  at(seconds: number, act: () => void): void {
    this.agenda.push({ atSeconds: Math.max(seconds, this.nowSeconds), act });
  }

  after(seconds: number, act: () => void): void {
    this.at(this.nowSeconds + seconds, act);
  }

  /** Runs until nothing is left, or until `endSeconds`. */
  run(endSeconds = Infinity): void {
    for (let next = this.agenda.peek(); next !== undefined; next = this.agenda.peek()) {
      if (next.atSeconds > endSeconds) return;
      this.agenda.pop();
      this.nowSeconds = next.atSeconds;
      next.act();
    }
  }
}
