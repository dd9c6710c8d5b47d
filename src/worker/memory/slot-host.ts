import type { DeviceMemory } from "./device-memory.ts";

/** What a card's keeper can do to the ComfyUI of a slot. */
export interface SlotHost {
  /** Undefined where it does not answer, or runs on no card. */
  measure(): Promise<DeviceMemory | undefined>;
  /** Unloads all models, and with `cache` forgets all results too. ComfyUI obeys when it is idle. */
  free(what: { readonly cache: boolean }): Promise<void>;
  /** Ends the process, for another to take its place; false where it is not ours to end. */
  restart(reason: string): boolean;
  /** The process group of ComfyUI, where the agent started it. */
  groupId(): number | undefined;
}
