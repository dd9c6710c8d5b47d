/** Some blocks of a file in a row that one connection fetches. Its end may move closer meanwhile. */
export interface Span {
  /** The first block that has not been received. */
  next: number;
  /** The first block behind it. */
  end: number;
}

/** A shorter rest is not shared: cutting a reply short costs a connection and what is under way. */
const minSharedBlocks = 16;

/**
 * So far may the file run ahead of its first gap, which the hash cannot pass. A connection whose
 * window did not grow with the others' would hold it up until the end.
 */
const maxAheadBlocks = 256;
const minHelpedBlocks = 2;

/** Towards the end a connection takes less, but no less than is worth a request. */
const minTakenBlocks = 4;

/**
 * Which blocks of a file are still to be fetched, and by whom. Free blocks are given out from the
 * front, so that the file can be hashed in order while it arrives; when none is left, whoever asks
 * takes over half of the longest rest.
 */
export class BlockPlan {
  readonly totalBytes: number;
  readonly blockBytes: number;
  readonly count: number;
  private readonly isTaken: Uint8Array;
  private readonly isDone: Uint8Array;
  private readonly spans = new Set<Span>();
  private firstFree = 0;
  private frontier = 0;
  private done = 0;

  /** `done`: a byte a block, 1 for those that are there already. */
  constructor(totalBytes: number, blockBytes: number, done?: Uint8Array) {
    this.totalBytes = totalBytes;
    this.blockBytes = blockBytes;
    this.count = Math.ceil(totalBytes / blockBytes);
    this.isTaken = new Uint8Array(this.count);
    this.isDone = new Uint8Array(this.count);
    for (let block = 0; block < this.count; block++) {
      if (done?.[block] !== 1) continue;
      this.isTaken[block] = 1;
      this.finish(block);
    }
  }

  /**
   * Up to `maxBlocks` blocks for one of so many connections, or undefined when all are spoken for.
   * Of the last blocks a connection takes half of its part, so that all end at about the same time.
   */
  take(maxBlocks: number, connections: number): Span | undefined {
    const late = this.done - this.frontier >= maxAheadBlocks ? this.firstSpan() : undefined;
    if (late !== undefined && late.end - late.next >= minHelpedBlocks) return this.halved(late);
    const first = this.isTaken.indexOf(0, this.firstFree);
    if (first === -1) return this.share();
    const partBlocks = Math.ceil((this.count - first) / (2 * connections - 1));
    const wanted = Math.min(maxBlocks, Math.max(minTakenBlocks, partBlocks));
    const limit = Math.min(this.count, first + wanted);
    let end = first;
    while (end < limit && this.isTaken[end] === 0) end++;
    this.isTaken.fill(1, first, end);
    this.firstFree = end;
    return this.added({ next: first, end });
  }

  /** The block is in the file. */
  finish(block: number): void {
    if (this.isDone[block] === 1) return;
    this.isDone[block] = 1;
    this.done++;
    while (this.frontier < this.count && this.isDone[this.frontier] === 1) this.frontier++;
  }

  /** The connection is done with its span; what it did not receive is free again. */
  giveBack(span: Span): void {
    this.spans.delete(span);
    if (span.next >= span.end) return;
    this.isTaken.fill(0, span.next, span.end);
    this.firstFree = Math.min(this.firstFree, span.next);
    span.end = span.next;
  }

  /** Where a block ends in the file. */
  endOf(block: number): number {
    return Math.min(this.totalBytes, (block + 1) * this.blockBytes);
  }

  /** The file is complete up to here. */
  get frontierBytes(): number {
    return Math.min(this.totalBytes, this.frontier * this.blockBytes);
  }

  get doneBytes(): number {
    const whole = this.done * this.blockBytes;
    const isLastDone = this.count > 0 && this.isDone[this.count - 1] === 1;
    return isLastDone ? whole - (this.count * this.blockBytes - this.totalBytes) : whole;
  }

  /** A byte a block, 1 for those that are there. */
  doneBlocks(): Uint8Array {
    return this.isDone.slice();
  }

  get isComplete(): boolean {
    return this.done === this.count;
  }

  private share(): Span | undefined {
    let longest: Span | undefined;
    for (const span of this.spans) {
      if (longest === undefined || span.end - span.next > longest.end - longest.next)
        longest = span;
    }
    if (longest === undefined || longest.end - longest.next < minSharedBlocks) return undefined;
    return this.halved(longest);
  }

  private firstSpan(): Span | undefined {
    let first: Span | undefined;
    for (const span of this.spans) {
      if (span.next < span.end && (first === undefined || span.next < first.next)) first = span;
    }
    return first;
  }

  /** The second half of what one connection has left goes to another one. */
  private halved(span: Span): Span {
    const middle = span.next + Math.ceil((span.end - span.next) / 2);
    const taken = { next: middle, end: span.end };
    span.end = middle;
    return this.added(taken);
  }

  private added(span: Span): Span {
    this.spans.add(span);
    return span;
  }
}
