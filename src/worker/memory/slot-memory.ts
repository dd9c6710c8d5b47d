import { memoryPriorities, sumBytes } from "../../memory/ledger.ts";
import type { Assignment, CardMemory } from "../../protocol/worker-link.ts";
import { AttemptFailed, GivenBack } from "../attempt-failed.ts";
import { failure } from "../classify.ts";
import type { ComfyHost } from "../comfyui/supervise.ts";
import type { ComfySession } from "../comfyui/session.ts";
import type { MemoryBudget } from "./card-book.ts";
import type { CardKeeper, Refusal } from "./card-keeper.ts";
import { deviceMemoryOf } from "./device-memory.ts";
import { memoryNeedOf, modelFileSizes } from "./need.ts";
import type { SlotHost } from "./slot-host.ts";

/** A run that was let onto the card. */
export interface CardLease {
  readonly reckonedBytes: number;
  /** What the card could have given it. */
  readonly availableBytes: number;
  /** Ends the run's hold on the card; the most it was seen to take, where that could be told. */
  release(): number | undefined;
}

const nothingLeased: CardLease = {
  reckonedBytes: 0,
  availableBytes: 0,
  release: () => undefined,
};

const measureTimeoutMs = 2_000;

/** One slot's side of the book of its card. */
export class SlotMemory {
  private readonly keeper: CardKeeper;
  private readonly slot: string;
  /** Of the deployment, as the gateway said last; 0 where it did not. */
  largestCardBytes = 0;
  private lastTold: string | undefined;

  constructor(keeper: CardKeeper, slot: string) {
    this.keeper = keeper;
    this.slot = slot;
  }

  /** The card, if it is not as it was when the gateway was told last. */
  news(): CardMemory | undefined {
    const { report } = this.keeper.book;
    return report === undefined || JSON.stringify(report) === this.lastTold ? undefined : report;
  }

  told(report: CardMemory): void {
    this.lastTold = JSON.stringify(report);
  }

  budget(): MemoryBudget {
    return this.keeper.book.budget(this.slot);
  }

  /** Ties the slot to the ComfyUI that it is to have. */
  join(host: ComfyHost, life: AbortSignal): void {
    this.keeper.join(this.slot, slotHost(host, life));
  }

  looked(life: AbortSignal): void {
    void this.keeper.refresh(life);
  }

  gone(): void {
    this.keeper.slotGone(this.slot);
  }

  /**
   * Waits until the run may begin. Throws `GivenBack`; `AttemptFailed` where it cannot begin on
   * this card at all.
   */
  async admit(
    session: ComfySession,
    assignment: Assignment,
    signal: AbortSignal,
  ): Promise<CardLease> {
    if (this.keeper.book.hasNoCard) return nothingLeased;
    const sizes = modelFileSizes(session.modelsDirectory);
    const need = await memoryNeedOf(assignment.workflow, assignment.peakBytes ?? 0, sizes);
    const cardBytes = this.keeper.book.report?.totalBytes ?? 0;
    const availableBytes = this.keeper.book.roomBytes(this.slot) ?? 0;
    const wish = {
      slot: this.slot,
      lease: assignment.attemptId,
      need,
      priority: memoryPriorities[assignment.priority ?? "normal"],
      hasLargerCard: this.largestCardBytes > cardBytes,
    };
    const admission = await this.keeper.admit(wish, signal);
    if (admission.kind === "refused") throw refusal(admission.decision);
    const reckonedBytes = sumBytes(need.models) + need.inferenceBytes;
    return { reckonedBytes, availableBytes, release: admission.release };
  }
}

function refusal(decision: Refusal): Error {
  if (decision.action === "queue") return new GivenBack(decision.reason);
  const message = `The job does not fit on this worker's card: ${decision.reason}.`;
  return new AttemptFailed(failure("out_of_memory", "out_of_memory", message));
}

function slotHost(host: ComfyHost, life: AbortSignal): SlotHost {
  return {
    measure: async () => {
      const client = host.current?.client;
      const stats = await client?.systemStats(life, measureTimeoutMs).catch(() => undefined);
      return deviceMemoryOf(stats);
    },
    free: async ({ cache }) => {
      await host.current?.client.free({ models: true, cache }, life).catch(() => undefined);
    },
    restart: (reason) => host.recycle(reason),
    groupId: () => host.current?.groupId,
  };
}
