import type { AttemptRef } from "./attempts.ts";

/** Jobs that take the same memory: the workflow but for its seeds, its models, its picture size. */
export interface FootprintKind {
  readonly fingerprint: string;
  readonly modelSet: number;
  readonly sizeClass: string;
}

/** What runs of one kind have taught on one class of card. */
export interface Footprint {
  readonly peakBytes: number;
  readonly runs: number;
  readonly outOfMemoryCount: number;
}

export interface FootprintStore {
  /** What is known of a kind, by class of card, the smallest first. */
  find(
    deploymentId: number,
    kind: FootprintKind,
  ): Promise<readonly (Footprint & { readonly vramClass: number })[]>;
  /**
   * Learns from an attempt, whatever became of its job since. `step` gets what was known of its kind
   * on this class of card, and the memory of the card. Nothing is learned of a job of no kind.
   */
  learn(
    attempt: AttemptRef,
    step: (known: Footprint | undefined, cardBytes: number) => Footprint,
  ): Promise<void>;
  /** Forgets what no run has confirmed for so long; returns how many. */
  sweep(unusedMs: number, limit: number): Promise<number>;
}
