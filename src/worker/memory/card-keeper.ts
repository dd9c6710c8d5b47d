import {
  admissibleBytes,
  decideAdmission,
  type AdmissionDecision,
  type MemoryRequest,
} from "../../memory/admit.ts";
import type { MemoryCommand } from "../../memory/command.ts";
import { planCompaction } from "../../memory/compact.ts";
import {
  openLedger,
  sumBytes,
  type CardLedger,
  type EvictionOrder,
  type Strategy,
} from "../../memory/ledger.ts";
import { beginRun, endRun, noteFreed, noteSlotGone, pinModels } from "../../memory/runs.ts";
import type { Logger } from "../../observability/logger.ts";
import type { CardMemory } from "../../protocol/worker-link.ts";
import { corrected, measureCard, type Measurement } from "./card-measure.ts";
import { cardReport } from "./card-report.ts";
import { makeRoom } from "./make-room.ts";
import { pause } from "../retry.ts";
import type { MemoryNeed } from "./need.ts";
import type { DriverReading } from "./nvidia-smi.ts";
import { PeakWatch } from "./peak-watch.ts";
import type { SlotHost } from "./slot-host.ts";

export interface CardOptions {
  readonly logger: Logger;
  readonly slots: readonly string[];
  /** What each slot's process takes by itself: its context, and what it keeps clear of. */
  readonly slotReserveBytes?: number;
  readonly strategy?: Strategy;
  readonly evictionOrder?: EvictionOrder;
  /** Model keys that are never evicted. */
  readonly pinned?: readonly string[];
  readonly readDriver?: () => Promise<DriverReading | undefined>;
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
  readonly hasLargerCard: boolean;
}

/** What a claim may ask for. */
export interface MemoryBudget {
  /** Undefined without a card. */
  readonly bytes: number | undefined;
  /** Aborts when it is no longer so. */
  readonly changed: AbortSignal;
  close(): void;
}

export type Admission =
  | {
      readonly kind: "admitted";
      /** Ends the lease; the peak that was seen, where it could be told. Safe to call again. */
      readonly release: () => number | undefined;
    }
  | { readonly kind: "refused"; readonly decision: Refusal };

export type Refusal = Exclude<AdmissionDecision, { action: "admit" }>;

type Outcome = Exclude<Admission, { kind: "refused" }> | Refusal;

/** Rounds of freeing and looking again before one admission is given up. */
const maxRounds = 4;
/** How much of the models must be on the card at once: ComfyUI streams the rest from RAM. */
const leastModelBytes = 0;
const defaultPriority = 1;
/** A smaller change of what is free is no reason to ask for another job. */
const noticedBytes = 256 * 1024 ** 2;
/** What the context of a process takes, where nothing was said. */
const defaultSlotReserveBytes = 512 * 1024 ** 2;

/** Keeps the book of one card for all slots on it, and has its decisions carried out. */
export class CardKeeper {
  private readonly options: CardOptions;
  private readonly timings: CardTimings;
  private readonly hosts = new Map<string, SlotHost>();
  private readonly peaks = new Map<string, PeakWatch>();
  private ledger: CardLedger | undefined;
  private latest: Measurement | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private changed = Promise.withResolvers<void>();

  constructor(options: CardOptions) {
    this.options = options;
    this.timings = { ...defaultTimings, ...options.timings };
  }

  /** Makes a slot known, before its ComfyUI is ready. */
  join(slot: string, host: SlotHost): void {
    this.hosts.set(slot, host);
  }

  /** What is on the card and in the book; undefined without a card. */
  get report(): CardMemory | undefined {
    const { ledger, latest } = this;
    return ledger && latest && cardReport(ledger, latest);
  }

  /** Model keys in a slot's part of the card, with their bytes there. */
  residents(slot: string): readonly { readonly model: string; readonly bytes: number }[] {
    return (this.ledger?.allocations ?? [])
      .filter((one) => one.slot === slot && one.pool === "models" && one.bytes > 0)
      .map(({ name, bytes }) => ({ model: name, bytes }));
  }

  /** The most that the slot's next run may take to begin at once, until that changes. */
  budget(slot: string): MemoryBudget {
    const over = new AbortController();
    const bytes = this.budgetBytes(slot);
    const look = (): void => {
      if (over.signal.aborted) return;
      const difference = (this.budgetBytes(slot) ?? 0) - (bytes ?? 0);
      if (Math.abs(difference) >= noticedBytes) over.abort(new Error("the budget has changed"));
      else void this.changed.promise.then(look);
    };
    void this.changed.promise.then(look);
    return { bytes, changed: over.signal, close: () => over.abort(new Error("closed")) };
  }

  /** Undefined without a card. */
  budgetBytes(slot: string): number | undefined {
    if (this.ledger === undefined) return undefined;
    const own = this.ledger.allocations.filter((one) => one.slot === slot);
    const leases = new Set(own.flatMap((one) => one.leases));
    const free = [...leases].reduce((book, lease) => endRun(book, lease, 0), this.ledger);
    return Math.floor(admissibleBytes(free, slot));
  }

  /** Measures the card, corrects the book, and gives back what lies idle. Never rejects. */
  async refresh(signal: AbortSignal): Promise<void> {
    await this.inTurn(async () => {
      await this.measure();
      for (const command of this.ledger === undefined ? [] : planCompaction(this.ledger)) {
        this.options.logger.info(command, "memory that lies idle is given back");
        await this.hosts.get(command.slot)?.free({ cache: false });
        this.change((book) => noteFreed(book, command));
        signal.throwIfAborted();
      }
    }).catch(() => undefined);
  }

  /** What a process held is free once it has ended. */
  slotGone(slot: string): void {
    this.change((book) => noteSlotGone(book, slot));
  }

  /** Waits until the run may begin, or says why it never may. Throws when the signal aborts. */
  async admit(wish: RunWish, signal: AbortSignal): Promise<Admission> {
    const untilMs = performance.now() + this.timings.admissionWaitMs;
    for (;;) {
      signal.throwIfAborted();
      const { promise } = this.changed;
      const outcome = await this.inTurn(() => this.tryAdmit(wish, signal));
      if ("kind" in outcome) return outcome;
      const leftMs = untilMs - performance.now();
      if (outcome.action !== "queue" || leftMs <= 0) return { kind: "refused", decision: outcome };
      await this.news(promise, leftMs, signal);
    }
  }

  /** Waits for a change of the book, at most so long. */
  private async news(change: Promise<void>, limitMs: number, signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    const limit = pause(limitMs, AbortSignal.any([signal, enough.signal]));
    await Promise.race([change, limit]).finally(() => enough.abort());
  }

  private async tryAdmit(wish: RunWish, signal: AbortSignal): Promise<Outcome> {
    if (this.ledger === undefined) await this.measure();
    const request = requestOf(wish);
    for (let round = 1; ; round++) {
      if (this.ledger === undefined) return { kind: "admitted", release: () => undefined };
      const decision = decideAdmission(this.ledger, request);
      if (decision.action !== "admit") return decision;
      if (decision.commands.length === 0 || round === maxRounds) {
        const pinned = new Set(this.options.pinned);
        this.change((book) =>
          pinModels(beginRun(book, request, decision, Date.now()), pinned, true),
        );
        const { reason, isSmaller, modelBytes } = decision;
        this.options.logger.debug({ lease: wish.lease, reason, isSmaller, modelBytes }, "admitted");
        return { kind: "admitted", release: this.beginRun(wish) };
      }
      await this.free(decision.commands, request, signal);
    }
  }

  /** Carries commands out; after the last it is measured whether they have helped. */
  private async free(
    commands: readonly MemoryCommand[],
    request: MemoryRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const asker = this.hosts.get(request.slot);
    for (const [at, command] of commands.entries()) {
      const victim = this.hosts.get(command.slot);
      if (victim === undefined || asker === undefined) continue;
      const isLast = at === commands.length - 1;
      const neededBytes = sumBytes(request.models) + request.inferenceBytes;
      const wanted = {
        victim,
        asker,
        freeBytes: isLast ? neededBytes - this.residentBytes(request, command) : 0,
        mayRestart: victim !== asker,
        reason: command.reason,
      };
      await makeRoom(wanted, this.timings, this.options.logger, signal);
      this.change((book) => noteFreed(book, command));
    }
    await this.measure();
  }

  /** What of a request's models lies on the card and does not leave by this command. */
  private residentBytes({ slot, models }: MemoryRequest, command: MemoryCommand): number {
    const leaving = command.kind === "evict" && command.slot === slot ? command.names : [];
    const stay = this.residents(slot).filter(
      ({ model }) => !leaving.includes(model) && models.some(({ name }) => name === model),
    );
    return sumBytes(stay);
  }

  private beginRun({ slot, lease }: RunWish): () => number | undefined {
    const host = this.hosts.get(slot);
    const view = () => this.ledger && { book: this.ledger, lease, slot };
    const measure = async () => host?.measure();
    const peak = new PeakWatch(measure, view, this.timings.sampleMs);
    this.peaks.set(lease, peak);
    return () => {
      if (!this.peaks.delete(lease)) return undefined;
      this.change((book) => endRun(book, lease, Date.now()));
      return peak.stop();
    };
  }

  private async measure(): Promise<void> {
    const measured = await measureCard(this.hosts, this.options.readDriver);
    if (measured === undefined) return;
    const { slots, strategy, evictionOrder, slotReserveBytes } = this.options;
    const book =
      this.ledger ??
      openLedger({
        totalBytes: measured.truth.totalBytes,
        reserveBytes: (slotReserveBytes ?? defaultSlotReserveBytes) * slots.length,
        slots,
        ...(strategy && { strategy }),
        ...(evictionOrder && { evictionOrder }),
      });
    const { ledger, measurement } = corrected(book, measured, Date.now());
    this.latest = measurement;
    this.ledger = ledger;
    this.tell();
  }

  private change(step: (book: CardLedger) => CardLedger): void {
    if (this.ledger === undefined) return;
    this.ledger = step(this.ledger);
    this.tell();
  }

  private tell(): void {
    const { resolve } = this.changed;
    this.changed = Promise.withResolvers<void>();
    resolve();
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(task);
    this.turn = mine.catch(() => undefined);
    return mine;
  }
}

function requestOf({ slot, lease, need, hasLargerCard }: RunWish): MemoryRequest {
  const { models, inferenceBytes } = need;
  const priority = defaultPriority;
  return { slot, lease, models, inferenceBytes, leastModelBytes, priority, hasLargerCard };
}
