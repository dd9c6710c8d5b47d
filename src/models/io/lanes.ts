import { setTimeout as delay } from "node:timers/promises";

import { backoffMs } from "../../kernel/backoff.ts";
import { adaptConnections, startConnections, type ConnectionState } from "../connections.ts";
import type { Egress } from "./egress.ts";
import type { FetchPatience } from "./fetch-options.ts";
import { SpanFetcher, type Served } from "./fetch-span.ts";
import type { BlockFile } from "./block-file.ts";
import { RequestFault } from "./replies.ts";

/** A request asks for this many blocks; a new request costs a round trip. */
const spanBlocks = 32;

/** A look at the rate waits for so much, but not for ever. */
const lookBytes = 8 * 1024 * 1024;
const longestLookMs = 2_000;

export interface LaneOptions {
  readonly egress: Egress;
  readonly served: Served;
  readonly file: BlockFile;
  readonly patience: FetchPatience;
  readonly signal: AbortSignal;
}

/**
 * Brings all blocks that a part file lacks, over as many connections as pay. Rejects with a
 * `RequestFault`, a disk fault, or the abort; what has arrived stays.
 */
export async function fetchBlocks(options: LaneOptions): Promise<void> {
  await new Lanes(options).run();
}

class Lanes {
  private readonly options: LaneOptions;
  private readonly stopping = new AbortController();
  private readonly signal: AbortSignal;
  private readonly lanes = new Set<Promise<void>>();
  private readonly fetchers = new Set<SpanFetcher>();
  private state: ConnectionState = startConnections();
  /** What the server let us have, once it has said that there are too many. */
  private limit = Infinity;
  private fault: unknown;

  constructor(options: LaneOptions) {
    this.options = options;
    this.signal = AbortSignal.any([options.signal, this.stopping.signal]);
  }

  async run(): Promise<void> {
    const looking = setInterval(() => this.look(), this.options.patience.lookMs);
    const abort = (): void => {
      for (const fetcher of this.fetchers) fetcher.abort(this.signal.reason as Error);
    };
    this.signal.addEventListener("abort", abort, { once: true });
    try {
      this.open();
      while (this.lanes.size > 0) await Promise.race(this.lanes);
      if (this.fault !== undefined) throw this.fault;
      this.options.signal.throwIfAborted();
    } finally {
      clearInterval(looking);
      this.signal.removeEventListener("abort", abort);
    }
  }

  private open(): void {
    const wanted = Math.min(this.state.connections, this.limit);
    while (this.lanes.size < wanted && !this.signal.aborted) {
      const lane = this.lane()
        .catch((thrown: unknown) => this.fail(thrown))
        .finally(() => this.lanes.delete(lane));
      this.lanes.add(lane);
      // A lane without work would be opened again and again.
      if (this.lanes.size >= this.options.file.plan.count) return;
    }
  }

  private fail(thrown: unknown): void {
    this.fault ??= thrown;
    this.stopping.abort(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }

  private lastBytes = 0;
  private lastMs = performance.now();

  /** Judges the rate since the last look, and connections that bring next to nothing. */
  private look(): void {
    const { file, patience } = this.options;
    for (const fetcher of this.fetchers) {
      if (fetcher.slowMs > patience.slowMs) {
        fetcher.abort(new RequestFault("passing", "the server sends next to nothing"));
      }
    }
    const now = performance.now();
    const bytes = file.plan.doneBytes;
    // Whole blocks are counted, and few of them tell nothing of a rate.
    const isTooSoon = bytes - this.lastBytes < lookBytes && now - this.lastMs < longestLookMs;
    if (isTooSoon) return;
    const rate = ((bytes - this.lastBytes) * 1_000) / Math.max(1, now - this.lastMs);
    [this.lastBytes, this.lastMs] = [bytes, now];
    this.state = adaptConnections(this.state, rate);
    if (!file.plan.isComplete) this.open();
  }

  /** One connection's work: span after span until there is none, or it is one too many. */
  private async lane(): Promise<void> {
    const { egress, served, file } = this.options;
    const fetcher = new SpanFetcher(egress, served, file);
    this.fetchers.add(fetcher);
    try {
      await this.work(fetcher);
    } finally {
      this.fetchers.delete(fetcher);
      fetcher.abort(new Error("the lane is closed"));
    }
  }

  private async work(fetcher: SpanFetcher): Promise<void> {
    const { plan } = this.options.file;
    let failures = 0;
    while (
      !this.signal.aborted &&
      this.lanes.size <= Math.min(this.state.connections, this.limit)
    ) {
      const span = plan.take(spanBlocks, this.lanes.size);
      if (span === undefined) return;
      const first = span.next;
      try {
        await fetcher.fetch(span);
        failures = 0;
      } catch (thrown) {
        if (this.signal.aborted || !(thrown instanceof RequestFault)) throw thrown;
        failures = span.next > first ? 1 : failures + 1;
        plan.giveBack(span);
        if (this.mayLeave(thrown)) return;
        await this.pauseAfter(thrown, failures);
      } finally {
        plan.giveBack(span);
      }
    }
  }

  /** Fewer connections are what a busy server asks for; the others do this one's work. */
  private mayLeave({ kind }: RequestFault): boolean {
    if (kind !== "busy" || this.lanes.size <= 1) return false;
    this.limit = Math.max(1, this.lanes.size - 1);
    return true;
  }

  private async pauseAfter(fault: RequestFault, failures: number): Promise<void> {
    const { maxFailures, backoff } = this.options.patience;
    const isFinal = fault.kind === "changed" || fault.kind === "denied";
    if (isFinal || failures >= maxFailures) throw fault;
    const waitMs = backoffMs(failures, backoff, Math.random());
    await delay(waitMs, undefined, { signal: this.signal });
  }
}
