import type { Dispatcher } from "undici";

import type { Logger } from "../observability/logger.ts";
import type { AgentTimings } from "./agent-options.ts";
import type { AttemptLogReader } from "./attempt-log.ts";
import type { ColdPhases } from "./cold-start.ts";
import type { ComfySession } from "./comfyui/session.ts";
import type { Link } from "./link.ts";
import type { SlotMemory } from "./memory/slot-memory.ts";
import type { WorkerModels } from "./models/worker-models.ts";
import type { PromptLane } from "./prompt-lane.ts";

/** What one attempt works with. */
export interface AttemptContext {
  readonly session: ComfySession;
  readonly link: Link;
  /** For signed URLs, wherever they lead. */
  readonly http: Dispatcher;
  /** The agent's scratch. */
  readonly folder: string;
  readonly timings: AgentTimings;
  readonly logger: Logger;
  /** Ends with the agent. */
  readonly life: AbortSignal;
  readonly log: AttemptLogReader;
  readonly lane: PromptLane;
  readonly memory: SlotMemory;
  /** Undefined where models are somebody else's matter. */
  readonly models: WorkerModels | undefined;
  /** What of this attempt's time went into the worker's own start. */
  readonly cold: ColdPhases;
  /** Claimed while another attempt executes: given back if that takes longer than this. */
  readonly laneWaitMs: number | undefined;
  /** ComfyUI is done with the attempt's prompt, or somebody else's takes longer than was thought. */
  readonly executed: (tookMs: number) => void;
  /** Ends this ComfyUI, for another to take its place. */
  readonly restart: (reason: string, strayPromptId: string | undefined) => void;
}
