import type { Dispatcher } from "undici";

import type { Logger } from "../observability/logger.ts";
import type { AgentTimings } from "./agent-options.ts";
import type { AttemptLogReader } from "./attempt-log.ts";
import type { ComfySession } from "./comfyui/session.ts";
import type { Link } from "./link.ts";

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
  /** Ends this ComfyUI, for another to take its place. */
  readonly restart: (reason: string, strayPromptId: string | undefined) => void;
}
