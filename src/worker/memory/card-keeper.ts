import { decideAdmission, type AdmissionDecision, type MemoryRequest } from "../../memory/admit.ts";
import type { MemoryCommand } from "../../memory/command.ts";
import { planCompaction } from "../../memory/compact.ts";
import { sumBytes } from "../../memory/ledger.ts";
import { beginRun, endRun, noteFreed, noteSlotGone, pinModels } from "../../memory/runs.ts";
import type { Logger } from "../../observability/logger.ts";
import { PromptLane } from "../prompt-lane.ts";
import { pause } from "../retry.ts";
import { CardBook, type BookOptions } from "./card-book.ts";
import { makeRoom } from "./make-room.ts";
import type { MemoryNeed } from "./need.ts";
import { PeakWatch } from "./peak-watch.ts";
import type { SlotHost } from "./slot-host.ts";

export interface CardOptions extends BookOptions {
  readonly logger: Logger;
  /** Model keys that are never evicted. */
  readonly pinned?: readonly string[];
  readonly timings?: Partial<CardTimings>;
}

export interface CardTimings {
  /** How long the effect of one measure is waited for. */
  readonly settleMs: number;
  readonly lookMs: number;
  /** How long a run may wait for others to end before its job is given back. */
  readonly admissionWaitMs: number;
  /** Between looks at the memory of a run. */
  readonly sampleMs: number;
}

const defaultTimings: CardTimings = {
  settleMs: 3_000,
  lookMs: 100,
  admissionWaitMs: 20_000,
  sampleMs: 1_000,
};

/** A run that wants to begin. */
export interface RunWish {
  readonly slot: string;
  readonly lease: string;
  readonly need: MemoryNeed;
  /** 0 to 3. */
  readonly priority: number;
  readonly hasLargerCard: boolean;
}

export type Admission =
  | {
      readonly kind: "admitted";
      /** Ends the lease; the peak that was seen, where it could be told. Safe to call again. */
      readonly release: () => number | undefined;
    }
  | { readonly kind: "refused"; readonly decision: Refusal };

export type Refusal = Exclude<AdmissionDecision, { action: "admit" }>;

type Admitted = Extract<AdmissionDecision, { action: "admit" }>;
type Outcome = Exclude<Admission, { kind: "refused" }> | Refusal;

/** Rounds of freeing and looking again before one admission is given up. */
const maxRounds = 4;
/** How much of the models must be on the card at once: ComfyUI streams the rest from RAM. */
const leastModelBytes = 0;

/** Keeps the book of one card for all slots on it, and has its decisions carried out. */
export class CardKeeper {
  readonly book: CardBook;
  private readonly options: CardOptions;
  private readonly timings: CardTimings;
  private readonly hosts = new Map<string, SlotHost>();
  /** One decision after the other, each carried out before the next is made. */
  private readonly lane = new PromptLane();

  constructor(options: CardOptions) {
    this.options = options;
    this.book = new CardBook(options);
    this.timings = { ...defaultTimings, ...options.timings };
  }

  /** Makes a slot known, before its ComfyUI is ready. */
  join(slot: string, host: SlotHost): void {
    this.hosts.set(slot, host);
  }

  /** Measures the card, corrects the book, and gives back what lies idle. Never rejects. */
  async refresh(signal: AbortSignal): Promise<void> {
    await this.inTurn(signal, async () => {
      await this.book.measure(this.hosts);
      const { ledger } = this.book;
      for (const command of ledger === undefined ? [] : planCompaction(ledger)) {
        this.options.logger.info(command, "memory that lies idle is given back");
        await this.hosts.get(command.slot)?.free({ cache: false });
        this.book.change((now) => noteFreed(now, command));
      }
    }).catch(() => undefined);
  }

  /** What a process held is free once it has ended. */
  slotGone(slot: string): void {
    this.book.change((ledger) => noteSlotGone(ledger, slot));
  }

  /** Waits until the run may begin, or says why it never may. Throws when the signal aborts. */
  async admit(wish: RunWish, signal: AbortSignal): Promise<Admission> {
    const untilMs = performance.now() + this.timings.admissionWaitMs;
    for (;;) {
      const { changed } = this.book;
      const outcome = await this.inTurn(signal, () => this.tryAdmit(wish, signal));
      if ("kind" in outcome) return outcome;
      const leftMs = untilMs - performance.now();
      if (outcome.action !== "queue" || leftMs <= 0) return { kind: "refused", decision: outcome };
      await soonest(changed, leftMs, signal);
    }
  }

  private async tryAdmit(wish: RunWish, signal: AbortSignal): Promise<Outcome> {
    const { book } = this;
    if (book.ledger === undefined && !book.hasNoCard) await book.measure(this.hosts);
    const request = requestOf(wish);
    for (let round = 1; ; round++) {
      if (book.ledger === undefined) return { kind: "admitted", release: () => undefined };
      const decision = decideAdmission(book.ledger, request);
      if (decision.action !== "admit") return decision;
      if (decision.commands.length === 0 || round === maxRounds)
        return this.begin(request, decision);
      await this.free(decision, request, signal);
    }
  }

  /** Carries commands out; after the last it is measured whether they have helped. */
  private async free(
    { commands, modelBytes }: Admitted,
    request: MemoryRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const asker = this.hosts.get(request.slot);
    const told = commands.filter((command) => !isPartial(command));
    const untold = commands.filter(isPartial);
    const neededBytes = modelBytes + request.inferenceBytes - sumBytes(untold);
    for (const command of told) {
      const victim = this.hosts.get(command.slot);
      if (victim === undefined || asker === undefined) continue;
      const leaving =
        command.kind === "evict" && command.slot === request.slot ? command.names : [];
      const wanted = {
        victim,
        asker,
        freeBytes: command === told.at(-1) ? neededBytes - this.keptBytes(request, leaving) : 0,
        mayRestart: victim !== asker,
        reason: command.reason,
      };
      await makeRoom(wanted, this.timings, this.options.logger, signal);
      this.book.change((ledger) => noteFreed(ledger, command));
    }
    if (told.length > 0) await this.book.measure(this.hosts);
    // Only now: they are measurably still there.
    for (const command of untold) this.book.change((ledger) => noteFreed(ledger, command));
  }

  /** What of a request's models lies on the card and does not leave. */
  private keptBytes({ slot, models }: MemoryRequest, leaving: readonly string[]): number {
    const kept = this.book
      .residents(slot)
      .filter(({ model }) => !leaving.includes(model) && models.some(({ name }) => name === model));
    return sumBytes(kept);
  }

  private begin(request: MemoryRequest, decision: Admitted): Outcome {
    const { slot, lease } = request;
    const pinned = new Set(this.options.pinned);
    this.book.change((ledger) =>
      pinModels(beginRun(ledger, request, decision, Date.now()), pinned, true),
    );
    const { reason, isSmaller, modelBytes } = decision;
    this.options.logger.debug({ lease, reason, isSmaller, modelBytes }, "let onto the card");
    const view = () => this.book.ledger && { book: this.book.ledger, lease, slot };
    const measure = async () => this.hosts.get(slot)?.measure();
    const peak = new PeakWatch(measure, view, this.timings.sampleMs);
    let isOver = false;
    const release = (): number | undefined => {
      if (isOver) return undefined;
      isOver = true;
      this.book.change((ledger) => endRun(ledger, lease, Date.now()));
      return peak.stop();
    };
    return { kind: "admitted", release };
  }

  private async inTurn<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    const leave = await this.lane.take(signal);
    return task().finally(leave);
  }
}

/** What ComfyUI unloads by itself in the course of the run. */
function isPartial(command: MemoryCommand): boolean {
  return command.kind === "evict" && command.isPartial;
}

function requestOf({ slot, lease, need, priority, hasLargerCard }: RunWish): MemoryRequest {
  const { models, inferenceBytes } = need;
  return { slot, lease, models, inferenceBytes, leastModelBytes, priority, hasLargerCard };
}

/** Waits for a change of the book, at most so long. */
async function soonest(change: Promise<void>, limitMs: number, signal: AbortSignal): Promise<void> {
  const enough = new AbortController();
  const limit = pause(limitMs, AbortSignal.any([signal, enough.signal]));
  await Promise.race([change, limit]).finally(() => enough.abort());
}
