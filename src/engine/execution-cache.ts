import type { NodeResult } from "./nodes/node.ts";

/** Results by cache key, as long as the latest prompt uses them. */
export class ExecutionCache {
  #results = new Map<string, NodeResult>();

  /** Forgets what the prompt with these keys does not need. */
  retain(keys: Iterable<string>): void {
    const kept = new Map<string, NodeResult>();
    for (const key of keys) {
      const result = this.#results.get(key);
      if (result !== undefined) kept.set(key, result);
    }
    this.#results = kept;
  }

  get(key: string | undefined): NodeResult | undefined {
    return key === undefined ? undefined : this.#results.get(key);
  }

  set(key: string, result: NodeResult): void {
    this.#results.set(key, result);
  }

  clear(): void {
    this.#results.clear();
  }
}
