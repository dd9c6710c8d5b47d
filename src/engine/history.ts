import type { JsonObject, JsonValue } from "../kernel/json.ts";
import type { QueuedPrompt } from "./queue.ts";

/** How many finished prompts are remembered; the oldest are forgotten first. */
const maxEntries = 10_000;

export interface ExecutionStatus {
  readonly status_str: "success" | "error";
  readonly completed: boolean;
  readonly messages: readonly (readonly [event: string, data: JsonObject])[];
}

export interface HistoryEntry {
  readonly prompt: PromptTuple;
  readonly outputs: Readonly<Record<string, JsonObject>>;
  readonly status: ExecutionStatus;
  readonly meta: Readonly<Record<string, JsonObject>>;
}

export type PromptTuple = readonly [
  number: number,
  promptId: string,
  prompt: JsonObject,
  extraData: JsonObject,
  outputs: readonly string[],
];

export function promptTuple(item: QueuedPrompt): PromptTuple {
  return [item.number, item.promptId, item.prompt, item.extraData, item.outputs];
}

/** Finished prompts by id, oldest first; in memory only. */
export class PromptHistory {
  readonly #entries = new Map<string, HistoryEntry>();

  get entries(): ReadonlyMap<string, HistoryEntry> {
    return this.#entries;
  }

  add(promptId: string, entry: HistoryEntry): void {
    // A repeated id replaces its entry and counts as new.
    this.#entries.delete(promptId);
    this.#entries.set(promptId, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= maxEntries) break;
      this.#entries.delete(oldest);
    }
  }

  /** A part of the history: from `offset`, or the last `maxItems` without one. */
  slice(maxItems: number | undefined, offset: number | undefined): [string, HistoryEntry][] {
    const all = [...this.#entries];
    if (maxItems === undefined) return offset === undefined ? all : all.slice(Math.max(0, offset));
    const from = offset === undefined || offset < 0 ? all.length - maxItems : offset;
    const start = Math.max(0, from);
    return all.slice(start, start + Math.max(0, maxItems));
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
  }
}

/** An entry as JSON; ids such as "__proto__" stay own properties. */
export function historyJson(entries: Iterable<readonly [string, HistoryEntry]>): JsonValue {
  return Object.fromEntries(
    [...entries].map(([id, { prompt, outputs, status, meta }]): [string, JsonValue] => [
      id,
      { prompt, outputs, status: { ...status }, meta },
    ]),
  );
}
