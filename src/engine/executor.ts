import { setImmediate, setTimeout } from "node:timers/promises";
import type { Clock } from "../kernel/clock.ts";
import { errorMessage } from "../kernel/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../kernel/json.ts";
import { computeCacheKeys } from "./cache-key.ts";
import { traceback } from "./error-report.ts";
import type { ExecutionCache } from "./execution-cache.ts";
import { exceptionType, Interrupted, NodeFault } from "./fault.ts";
import { findNamedFile, hashFile, type EngineFolders } from "./files.ts";
import { asLink, resolveSlot } from "../workflow/check/prompt-graph.ts";
import type { HistoryEntry } from "./history.ts";
import { NodeInputs } from "./nodes/inputs.ts";
import type { NodeResult, RunContext } from "./nodes/node.ts";
import type { NodeRegistry } from "./nodes/registry.ts";
import { planOrder } from "./order.ts";
import type { QueuedPrompt } from "./queue.ts";
import { RunLog, type RunListeners } from "./run-log.ts";
import { describeValue, type NodeValue } from "./values.ts";

export interface ExecutorParts {
  readonly registry: NodeRegistry;
  readonly folders: EngineFolders;
  readonly cache: ExecutionCache;
  readonly clock: Clock;
}

export interface RunHooks extends RunListeners {
  readonly signal: AbortSignal;
  /** Tells which node is at work. */
  nodeStarted(nodeId: string): void;
}

/** Runs one prompt to its end and says what the history keeps of it. Never rejects for a node. */
export async function runPrompt(
  item: QueuedPrompt,
  parts: ExecutorParts,
  hooks: RunHooks,
): Promise<HistoryEntry> {
  const run = new PromptRun(item, parts, hooks);
  return run.run();
}

class PromptRun {
  readonly #item: QueuedPrompt;
  readonly #parts: ExecutorParts;
  readonly #hooks: RunHooks;
  readonly #log: RunLog;
  readonly #results = new Map<string, NodeResult>();
  readonly #executed: string[] = [];
  #keys: ReadonlyMap<string, string> = new Map();

  constructor(item: QueuedPrompt, parts: ExecutorParts, hooks: RunHooks) {
    this.#item = item;
    this.#parts = parts;
    this.#hooks = hooks;
    this.#log = new RunLog(item, hooks, () => parts.clock.now());
  }

  async run(): Promise<HistoryEntry> {
    const { inputs, outputs, classNames } = this.#item;
    const { cache } = this.#parts;
    this.#log.event("execution_start", {});
    const fingerprints = await this.#fingerprints();
    this.#keys = computeCacheKeys({ inputs, outputs, classNames, fingerprints });
    cache.retain(this.#keys.values());
    const isCached = (id: string): boolean => cache.get(this.#keys.get(id)) !== undefined;
    this.#log.event("execution_cached", { nodes: [...this.#keys.keys()].filter(isCached) });
    for (const id of planOrder(inputs, outputs, isCached)) {
      const failure = await this.#advance(id);
      if (failure === undefined) continue;
      this.#report(id, failure.thrown);
      return this.#log.entry(false);
    }
    this.#log.event("execution_success", {});
    return this.#log.entry(true);
  }

  /** Brings one node's result about; what it threw, if it failed. */
  async #advance(id: string): Promise<{ readonly thrown: unknown } | undefined> {
    try {
      this.#hooks.signal.throwIfAborted();
      const cached = this.#parts.cache.get(this.#keys.get(id));
      if (cached !== undefined) {
        this.#finish(id, cached, true);
        return undefined;
      }
      this.#hooks.nodeStarted(id);
      this.#log.nodeStarted(id);
      const definition = this.#parts.registry.get(this.#item.classNames.get(id) ?? "");
      if (definition === undefined) throw new NodeFault("KeyError", `No class for node ${id}`);
      const result = await definition.run(new NodeInputs(this.#inputsOf(id)), this.#context(id));
      this.#hooks.signal.throwIfAborted();
      const key = this.#keys.get(id);
      if (key !== undefined) this.#parts.cache.set(key, result);
      this.#executed.push(id);
      this.#finish(id, result, false);
      return undefined;
    } catch (thrown) {
      return { thrown };
    }
  }

  #finish(id: string, result: NodeResult, wasCached: boolean): void {
    this.#results.set(id, result);
    this.#log.nodeFinished(id, result, wasCached);
  }

  #inputsOf(id: string): Map<string, NodeValue> {
    const values = new Map<string, NodeValue>();
    for (const [name, value] of this.#item.inputs.get(id) ?? []) {
      const link = asLink(value);
      if (link === undefined) {
        values.set(name, value);
        continue;
      }
      const source =
        this.#results.get(link.nodeId) ?? this.#parts.cache.get(this.#keys.get(link.nodeId));
      const position = resolveSlot(link.slot, source?.values.length ?? 0);
      const linked = position === undefined ? undefined : source?.values[position];
      if (linked !== undefined) values.set(name, linked);
    }
    return values;
  }

  #context(nodeId: string): RunContext {
    const { extraData, prompt } = this.#item;
    const { signal } = this.#hooks;
    const pngInfo = extraData["extra_pnginfo"];
    return {
      nodeId,
      folders: this.#parts.folders,
      prompt,
      extraPngInfo: isJsonObject(pngInfo) ? pngInfo : undefined,
      previews: extraData["preview_method"] !== "none",
      nowMs: () => this.#parts.clock.now(),
      pause: async () => {
        await setImmediate();
        signal.throwIfAborted();
      },
      sleep: async (durationMs) => {
        // The timer's own abort error gives way to the reason of the cancellation.
        if (durationMs > 0)
          await setTimeout(durationMs, undefined, { signal }).catch(() => undefined);
        else await setImmediate();
        signal.throwIfAborted();
      },
      progress: (value, max, preview) => {
        signal.throwIfAborted();
        this.#log.nodeProgressed(nodeId, value, max, preview);
      },
    };
  }

  /** Hashes of the files that nodes name; a file that vanished fails later, in its node. */
  async #fingerprints(): Promise<Map<string, string>> {
    const { inputs, classNames } = this.#item;
    const hashes = new Map<string, string>();
    const fingerprints = new Map<string, string>();
    for (const [id, values] of inputs) {
      const definition = this.#parts.registry.get(classNames.get(id) ?? "");
      for (const name of definition?.fileInputs ?? []) {
        const file = values.get(name);
        if (typeof file !== "string") continue;
        const hash = hashes.get(file) ?? (await this.#hashNamed(file));
        hashes.set(file, hash);
        fingerprints.set(id, hash);
      }
    }
    return fingerprints;
  }

  async #hashNamed(name: string): Promise<string> {
    const path = await findNamedFile(this.#parts.folders, name);
    return path === undefined ? "missing" : hashFile(path).catch(() => "unreadable");
  }

  #report(id: string, thrown: unknown): void {
    const nodeType = this.#item.classNames.get(id) ?? "";
    const about = { node_id: id, node_type: nodeType, executed: this.#executed };
    if (thrown instanceof Interrupted || this.#hooks.signal.aborted) {
      this.#log.event("execution_interrupted", about);
      return;
    }
    this.#log.nodeFailed(id);
    this.#log.event("execution_error", {
      ...about,
      exception_message: errorMessage(thrown),
      exception_type: exceptionType(thrown),
      traceback: traceback(thrown),
      current_inputs: this.#currentInputs(id),
      current_outputs: [...this.#results.keys()],
    });
  }

  #currentInputs(id: string): JsonObject {
    const entries = [...this.#inputsOf(id)].map(([name, value]): [string, JsonValue] => [
      name,
      [describeValue(value)],
    ]);
    return Object.fromEntries(entries);
  }
}
