import { formatBytes } from "../../kernel/bytes.ts";
import type { Logger } from "../../observability/logger.ts";
import { pause } from "../retry.ts";
import type { SlotHost } from "./slot-host.ts";

export interface RoomWanted {
  /** The slot whose memory is to be given back. */
  readonly victim: SlotHost;
  /** Tells how much a new run would find. */
  readonly asker: SlotHost;
  /** To be free on the card at the end. */
  readonly freeBytes: number;
  /** Whether the process may be ended if nothing else helps. */
  readonly mayRestart: boolean;
  readonly reason: string;
}

export interface RoomTimings {
  /** How long the effect of one measure is waited for. */
  readonly settleMs: number;
  readonly lookMs: number;
}

const steps = ["models", "cache", "restart"] as const;

/**
 * Frees memory by the mildest measure that helps, and measures whether it did: unload the models,
 * forget the cached results, end the process. Returns the last measure taken and whether it helped;
 * a ComfyUI that does not tell its memory is believed.
 */
export async function makeRoom(
  wanted: RoomWanted,
  timings: RoomTimings,
  logger: Logger,
  signal: AbortSignal,
): Promise<{ readonly step: (typeof steps)[number]; readonly isEnough: boolean }> {
  let last: (typeof steps)[number] = "models";
  for (const step of steps) {
    if (step === "restart" && !(wanted.mayRestart && wanted.victim.restart(wanted.reason))) break;
    last = step;
    if (step !== "restart") await wanted.victim.free({ cache: step === "cache" });
    const isEnough = await settles(wanted, timings, signal);
    const fields = { step, isEnough, wanted: formatBytes(wanted.freeBytes), reason: wanted.reason };
    logger.info(fields, "memory was freed on a card");
    if (isEnough) return { step, isEnough };
  }
  return { step: last, isEnough: false };
}

async function settles(
  { asker, freeBytes }: RoomWanted,
  { settleMs, lookMs }: RoomTimings,
  signal: AbortSignal,
): Promise<boolean> {
  for (let leftMs = settleMs; ; leftMs -= lookMs) {
    const memory = await asker.measure();
    if (memory === undefined || memory.freeBytes >= freeBytes) return true;
    if (leftMs <= 0) return false;
    await pause(lookMs, signal);
  }
}
