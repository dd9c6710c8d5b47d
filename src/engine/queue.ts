import type { JsonObject } from "../kernel/json.ts";
import type { CheckedInputs } from "./order.ts";

/** A prompt that passed validation. */
export interface QueuedPrompt {
  /** The lowest number runs first. */
  readonly number: number;
  readonly promptId: string;
  readonly prompt: JsonObject;
  readonly extraData: JsonObject;
  readonly outputs: readonly string[];
  readonly classNames: ReadonlyMap<string, string>;
  readonly inputs: CheckedInputs;
  readonly clientId: string | undefined;
}

/** Waiting prompts in order of their numbers; equal numbers in order of arrival. */
export class PromptQueue {
  #pending: QueuedPrompt[] = [];

  get pending(): readonly QueuedPrompt[] {
    return this.#pending;
  }

  add(prompt: QueuedPrompt): void {
    let [low, high] = [0, this.#pending.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pending[middle]?.number ?? 0) <= prompt.number) low = middle + 1;
      else high = middle;
    }
    this.#pending.splice(low, 0, prompt);
  }

  takeFirst(): QueuedPrompt | undefined {
    return this.#pending.shift();
  }

  /** Removes the prompts with these ids; says whether there were any. */
  remove(ids: ReadonlySet<string>): boolean {
    const before = this.#pending.length;
    this.#pending = this.#pending.filter(({ promptId }) => !ids.has(promptId));
    return this.#pending.length < before;
  }

  clear(): void {
    this.#pending = [];
  }
}
