import type { LogTail } from "../log-tail.ts";
import type { ComfyClient } from "./client.ts";
import type { ServerFacts } from "./server-facts.ts";
import type { LogPlace } from "./server-log.ts";
import type { ComfySocket } from "./socket.ts";

/** One ComfyUI from the moment it is ready until it is gone. */
export interface ComfySession {
  readonly generation: number;
  readonly client: ComfyClient;
  readonly socket: ComfySocket;
  readonly facts: ServerFacts;
  /** From its start, or from when it was first looked for, until it answered. */
  readonly readyAfterMs: number;
  /** Whether a prompt finds what an earlier one has computed. */
  readonly keepsResults: boolean;
  /** Aborts when this ComfyUI has ended or is being ended. */
  readonly gone: AbortSignal;
  /** Where its files are, if the agent may reach them; else they go over HTTP. */
  readonly baseDirectory: string | undefined;
  /** Where its models are, likewise. */
  readonly modelsDirectory: string | undefined;
  /** What it writes, if the agent started it. */
  readonly log: LogTail | undefined;
  /** How far its own log has been read, if it has to be asked for it. */
  readonly serverLog: LogPlace;
  /** The process group of ComfyUI, if the agent started it. */
  readonly groupId: number | undefined;
  /** Processor time that it has used, if that can be known. */
  cpuMs(): Promise<number | undefined>;
}
