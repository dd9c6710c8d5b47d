import { join } from "node:path";

import type { AgentExit, AgentOptions, ComfyuiTarget } from "./agent-options.ts";
import { startAgent, type Agent } from "./agent.ts";
import { CardKeeper, type CardOptions } from "./memory/card-keeper.ts";

export interface SlotsOptions extends Omit<AgentOptions, "comfyui" | "card" | "besideWorker"> {
  /** One ComfyUI a slot; each is a worker of its own, and all share one card. */
  readonly slots: readonly ComfyuiTarget[];
  readonly memory: Omit<CardOptions, "slots" | "logger">;
}

/** The scratch folder of a slot. */
export function slotFolder(folder: string, slot: number, count: number): string {
  return count === 1 ? folder : join(folder, `slot-${slot}`);
}

/**
 * Starts one agent a slot, all with one book of the card's memory. They leave together: as soon as
 * one has left, the others are told to finish.
 */
export function startSlots(options: SlotsOptions): Agent {
  const { slots: targets, memory, enrollmentToken, name, folder, ...shared } = options;
  const count = targets.length;
  const slots = targets.map((_, slot) => String(slot));
  const keeper = new CardKeeper({ ...memory, logger: options.logger, slots });
  // A token is for one worker; the others come in by the word of the first.
  const first = Promise.withResolvers<string>();
  first.promise.catch(() => undefined);
  const enrolment = (slot: number): Partial<AgentOptions> => {
    if (enrollmentToken === undefined) return {};
    if (slot > 0) return { besideWorker: first.promise };
    return { enrollmentToken, onEnrolled: first.resolve };
  };
  const agents = targets.map((comfyui, slot) =>
    startAgent({
      ...shared,
      ...enrolment(slot),
      name: count === 1 ? name : `${name}/${slot}`,
      folder: slotFolder(folder, slot, count),
      comfyui,
      card: { keeper, slot: String(slot) },
    }),
  );
  void agents[0]?.done.then(({ detail }) =>
    first.reject(new Error(detail ?? "the first worker has left")),
  );
  return { done: leftTogether(agents), stop: (graceMs) => stopAll(agents, graceMs) };
}

async function leftTogether(agents: readonly Agent[]): Promise<AgentExit> {
  const exit = await Promise.race(agents.map((agent) => agent.done));
  await stopAll(agents, undefined);
  return exit;
}

async function stopAll(agents: readonly Agent[], graceMs: number | undefined): Promise<void> {
  await Promise.all(agents.map((agent) => agent.stop(graceMs)));
}
