import { formatBytes } from "../../kernel/bytes.ts";
import { memoryPriorities, sumBytes } from "../../memory/ledger.ts";
import type { Assignment, CardMemory, Device } from "../../protocol/worker-link.ts";
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

/** What is needed of the keeper of a ComfyUI. */
export type SlotComfy = Pick<ComfyHost, "devices" | "current" | "recycle">;

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
  private host: SlotComfy | undefined;

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

  /** Ties the slot to the ComfyUI that it is to have; `onFreed` hears when its models have left. */
  join(host: SlotComfy, life: AbortSignal, onFreed: () => void): void {
    this.host = host;
    this.keeper.join(this.slot, slotHost(host, life, onFreed));
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
    { modelsDirectory }: Pick<ComfySession, "modelsDirectory">,
    assignment: Assignment,
    signal: AbortSignal,
  ): Promise<CardLease> {
    if (this.keeper.book.hasNoCard) return nothingLeased;
    const cardBytes = Math.max(0, ...(this.host?.devices ?? []).map(sizeOf));
    const { ranOutBytes = 0, peakBytes = 0, priority = "normal" } = assignment;
    if (ranOutBytes > 0 && ranOutBytes >= cardBytes) throw noLargerCard(ranOutBytes);
    const sizes = modelFileSizes(modelsDirectory);
    const need = await memoryNeedOf(assignment.workflow, peakBytes, sizes);
    const wish = {
      slot: this.slot,
      lease: assignment.attemptId,
      need,
      priority: memoryPriorities[priority],
      hasLargerCard: this.largestCardBytes > cardBytes,
    };
    const admission = await this.keeper.admit(wish, signal);
    if (admission.kind === "refused") throw refusal(admission.decision);
    // Its own run does not count against it.
    const availableBytes = this.keeper.book.roomBytes(this.slot) ?? 0;
    const reckonedBytes = sumBytes(need.models) + need.inferenceBytes;
    return { reckonedBytes, availableBytes, release: admission.release };
  }
}

function sizeOf({ vramTotalBytes }: Device): number {
  return vramTotalBytes;
}

function refusal(decision: Refusal): Error {
  if (decision.action === "queue") return new GivenBack(decision.reason);
  return outOfMemory(`The job does not fit on this worker's card: ${decision.reason}.`);
}

/** The larger card that was there when it ran out has left since. */
function noLargerCard(ranOutBytes: number): Error {
  const size = formatBytes(ranOutBytes);
  return outOfMemory(`It ran out of memory on ${size}, and no card of the deployment has more.`);
}

function outOfMemory(message: string): AttemptFailed {
  return new AttemptFailed(failure("out_of_memory", "out_of_memory", message));
}

function slotHost(host: SlotComfy, life: AbortSignal, onFreed: () => void): SlotHost {
  return {
    measure: async () => {
      const client = host.current?.client;
      const stats = await client?.systemStats(life, measureTimeoutMs).catch(() => undefined);
      return deviceMemoryOf(stats);
    },
    free: async ({ cache }) => {
      await host.current?.client.free({ models: true, cache }, life).catch(() => undefined);
      onFreed();
    },
    restart: (reason) => host.recycle(reason),
    groupId: () => host.current?.groupId,
  };
}
