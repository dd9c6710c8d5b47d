import type { Clock } from "../../kernel/clock.ts";
import type { EngineDevice } from "../device.ts";
import type { EngineFolders } from "../files.ts";
import type { NodeRegistry } from "../nodes/registry.ts";
import type { PromptWorker } from "../prompt-worker.ts";

/** What the routes work on. */
export interface EngineState {
  readonly worker: PromptWorker;
  readonly registry: NodeRegistry;
  readonly folders: EngineFolders;
  readonly clock: Clock;
  readonly device: () => EngineDevice;
}
