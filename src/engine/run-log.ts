import type { JsonObject, JsonValue } from "../kernel/json.ts";
import type { ExecutionStatus, HistoryEntry } from "./history.ts";
import { promptTuple } from "./history.ts";
import {
  executed,
  executing,
  progress,
  progressState,
  type Message,
  type NodeProgress,
} from "./messages.ts";
import type { NodeResult } from "./nodes/node.ts";
import type { QueuedPrompt } from "./queue.ts";

/**
 * How many nodes a progress snapshot shows. ComfyUI sends all, so its traffic grows with the
 * square of the prompt; here the latest ones suffice.
 */
const maxShownNodes = 256;

export interface RunListeners {
  /** Whether anybody would see a message of this prompt. */
  isHeard(): boolean;
  /** To the client that submitted the prompt, if it named itself. */
  toClient(message: Message): void;
  /** To that client, or to everybody when it did not name itself. */
  toClientOrAll(message: Message): void;
  /** A JPEG of a node's work so far, to the same. */
  preview(nodeId: string, jpeg: Uint8Array): void;
}

/** What one run tells while it lasts, and leaves behind in the history. */
export class RunLog {
  readonly #item: QueuedPrompt;
  readonly #listeners: RunListeners;
  readonly #nowMs: () => number;
  readonly #messages: [string, JsonObject][] = [];
  readonly #outputs = new Map<string, JsonObject>();
  readonly #shown = new Map<string, NodeProgress>();

  constructor(item: QueuedPrompt, listeners: RunListeners, nowMs: () => number) {
    this.#item = item;
    this.#listeners = listeners;
    this.#nowMs = nowMs;
  }

  /** An event of the whole run: recorded, timed and sent. */
  event(type: string, fields: JsonObject): void {
    const data = { prompt_id: this.#item.promptId, ...fields, timestamp: this.#nowMs() };
    this.#messages.push([type, data]);
    this.#listeners.toClient({ type, data });
  }

  nodeStarted(nodeId: string): void {
    this.#show(nodeId, { value: 0, max: 1, state: "running" });
    this.#listeners.toClient(executing(this.#item.promptId, nodeId));
  }

  nodeProgressed(nodeId: string, value: number, max: number, preview?: Uint8Array): void {
    this.#show(nodeId, { value, max, state: "running" });
    if (preview !== undefined) this.#listeners.preview(nodeId, preview);
    this.#listeners.toClientOrAll(progress(this.#item.promptId, nodeId, value, max));
  }

  nodeFinished(nodeId: string, result: NodeResult, wasCached: boolean): void {
    const ui: JsonValue = result.ui === undefined ? null : { ...result.ui };
    if (ui !== null) this.#outputs.set(nodeId, ui);
    if (ui !== null || wasCached) {
      this.#listeners.toClient(executed(this.#item.promptId, nodeId, ui));
    }
    const max = this.#shown.get(nodeId)?.max ?? 1;
    this.#show(nodeId, { value: max, max, state: "finished" });
  }

  nodeFailed(nodeId: string): void {
    const shown = this.#shown.get(nodeId);
    const { value, max } = shown ?? { value: 0, max: 1 };
    this.#shown.set(nodeId, { value, max, state: "error" });
  }

  #show(nodeId: string, state: NodeProgress): void {
    this.#shown.set(nodeId, state);
    for (const oldest of this.#shown.keys()) {
      if (this.#shown.size <= maxShownNodes) break;
      this.#shown.delete(oldest);
    }
    if (!this.#listeners.isHeard()) return;
    this.#listeners.toClientOrAll(progressState(this.#item.promptId, this.#shown));
  }

  entry(succeeded: boolean): HistoryEntry {
    const status: ExecutionStatus = {
      status_str: succeeded ? "success" : "error",
      completed: succeeded,
      messages: this.#messages,
    };
    const meta = [...this.#outputs.keys()].map((id): [string, JsonObject] => [
      id,
      { node_id: id, display_node: id, parent_node: null, real_node_id: id },
    ]);
    return {
      prompt: promptTuple(this.#item),
      outputs: Object.fromEntries(this.#outputs),
      status,
      meta: Object.fromEntries(meta),
    };
  }
}
