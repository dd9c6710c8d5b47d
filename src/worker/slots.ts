import { join } from "node:path";

import type { AgentExit, AgentOptions, ComfyuiTarget } from "./agent-options.ts";
import { startAgent, type Agent } from "./agent.ts";
import { CardKeeper, type CardOptions } from "./memory/card-keeper.ts";

export interface SlotsOptions extends Omit<AgentOptions, "comfyui" | "card" | "besideWorker"> {
  /** How many ComfyUIs share the card; each is a worker of its own. */
  readonly slots: number;
  readonly comfyui: (slot: string, folder: string) => ComfyuiTarget;
  readonly memory: Omit<CardOptions, "slots" | "logger">;
}

/**
 * Starts one agent a slot, all with one book of the card's memory. They leave together: as soon as
 * one has left, the others are told to finish.
 */
export function startSlots(options: SlotsOptions): Agent {
  const { slots: count, comfyui, memory, enrollmentToken, ...shared } = options;
  const slots = Array.from({ length: count }, (_, index) => String(index));
  const keeper = new CardKeeper({ ...memory, logger: options.logger, slots });
  // A token is for one worker; the others come in by the word of the first.
  const first = Promise.withResolvers<string>();
  first.promise.catch(() => undefined);
  const agents = slots.map((slot, index): Agent => {
    const folder = count === 1 ? options.folder : join(options.folder, `slot-${slot}`);
    const isFirst = index === 0;
    const enrolment =
      enrollmentToken === undefined
        ? {}
        : isFirst
          ? { enrollmentToken, onEnrolled: first.resolve }
          : { besideWorker: first.promise };
    return startAgent({
      ...shared,
      ...enrolment,
      name: count === 1 ? options.name : `${options.name}/${slot}`,
      folder,
      comfyui: comfyui(slot, folder),
      card: { keeper, slot },
    });
  });
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
