import { admissibleBytes } from "../../memory/admit.ts";
import {
  isIdle,
  openLedger,
  type CardLedger,
  type EvictionOrder,
  type Strategy,
} from "../../memory/ledger.ts";
import { endRun } from "../../memory/runs.ts";
import type { CardMemory } from "../../protocol/worker-link.ts";
import { corrected, measureCard, type Measurement } from "./card-measure.ts";
import { cardReport } from "./card-report.ts";
import type { DriverReading } from "./nvidia-smi.ts";
import type { SlotHost } from "./slot-host.ts";

export interface BookOptions {
  readonly slots: readonly string[];
  /** What each slot's process takes by itself: its context, and what it keeps clear of. */
  readonly slotReserveBytes?: number;
  readonly strategy?: Strategy;
  readonly evictionOrder?: EvictionOrder;
  readonly readDriver?: () => Promise<DriverReading | undefined>;
}

/** What a claim may ask for. */
export interface MemoryBudget {
  /** Undefined where nobody else is at work on the card, or there is none. */
  readonly bytes: number | undefined;
  /** Whether others may begin to work on the card, or cease, at any time. */
  readonly isShared: boolean;
}

/** What the context of a process takes, where nothing was said. */
const defaultSlotReserveBytes = 512 * 1024 ** 2;

/** The ledger of a card as it stands, and who wants to know when it changes. */
export class CardBook {
  private readonly options: BookOptions;
  private latest: Measurement | undefined;
  private isMeasured = false;
  private next = Promise.withResolvers<void>();
  /** Undefined as long as no card was seen. */
  ledger: CardLedger | undefined;

  constructor(options: BookOptions) {
    this.options = options;
  }

  /** Whether it is known that there is no card. */
  get hasNoCard(): boolean {
    return this.isMeasured && this.ledger === undefined;
  }

  get report(): CardMemory | undefined {
    const { ledger, latest } = this;
    return ledger && latest && cardReport(ledger, latest);
  }

  /** Resolves with the next change. */
  get changed(): Promise<void> {
    return this.next.promise;
  }

  change(step: (ledger: CardLedger) => CardLedger): void {
    if (this.ledger !== undefined) this.set(step(this.ledger));
  }

  /** Corrects the book by what the processes and the driver say. */
  async measure(hosts: ReadonlyMap<string, SlotHost>): Promise<void> {
    const measured = await measureCard(hosts, this.options.readDriver);
    this.isMeasured = true;
    if (measured === undefined) return;
    const book = this.ledger ?? this.open(measured.truth.totalBytes);
    const { ledger, measurement } = corrected(book, measured, Date.now());
    this.latest = measurement;
    this.set(ledger);
  }

  /** Models in a slot's part of the card, with their bytes there. */
  residents(slot: string): readonly { readonly model: string; readonly bytes: number }[] {
    return (this.ledger?.allocations ?? [])
      .filter((one) => one.slot === slot && one.pool === "models" && one.bytes > 0)
      .map(({ name, bytes }) => ({ model: name, bytes }));
  }

  /** The most that the slot's next run may take to begin at once; undefined without a card. */
  roomBytes(slot: string): number | undefined {
    if (this.ledger === undefined) return undefined;
    const own = this.ledger.allocations.filter((one) => one.slot === slot);
    const leases = new Set(own.flatMap((one) => one.leases));
    const free = [...leases].reduce((book, lease) => endRun(book, lease, 0), this.ledger);
    return Math.floor(admissibleBytes(free, slot));
  }

  /** What the slot may claim for as things stand. */
  budget(slot: string): MemoryBudget {
    const { ledger } = this;
    const isShared = this.options.slots.length > 1;
    const othersRun = ledger?.slots.some(({ id }) => id !== slot && !isIdle(ledger, id));
    return { bytes: othersRun === true ? this.roomBytes(slot) : undefined, isShared };
  }

  private open(totalBytes: number): CardLedger {
    const { slots, strategy, evictionOrder, slotReserveBytes } = this.options;
    return openLedger({
      totalBytes,
      reserveBytes: (slotReserveBytes ?? defaultSlotReserveBytes) * slots.length,
      slots,
      ...(strategy && { strategy }),
      ...(evictionOrder && { evictionOrder }),
    });
  }

  private set(ledger: CardLedger): void {
    this.ledger = ledger;
    const { resolve } = this.next;
    this.next = Promise.withResolvers<void>();
    resolve();
  }
}
