import { setTimeout } from "node:timers/promises";
import type { FreeRequest } from "./device.ts";
import { errorMessage } from "../kernel/errors.ts";
import { runPrompt, type ExecutorParts } from "./executor.ts";
import { Interrupted } from "./fault.ts";
import { PromptHistory, promptTuple, type HistoryEntry } from "./history.ts";
import type { EngineLogger } from "./logger.ts";
import { finished, statusMessage } from "./messages.ts";
import { PromptQueue, type QueuedPrompt } from "./queue.ts";
import type { SocketHub } from "./socket.ts";

/**
 * How long an idle worker waits before it begins, so that submitters have their reply before the
 * first message of the run; some clients miss what comes earlier.
 */
const startDelayMs = 10;

const nothing: FreeRequest = { models: false, cache: false };

interface Running {
  readonly item: QueuedPrompt;
  readonly abort: AbortController;
  nodeId: string | undefined;
}

/** Runs queued prompts one at a time and remembers them. */
export class PromptWorker {
  readonly history = new PromptHistory();
  readonly #queue = new PromptQueue();
  readonly #parts: ExecutorParts;
  readonly #logger: EngineLogger;
  readonly #onFree: (request: FreeRequest) => void;
  #hub: SocketHub | undefined;
  #running: Running | undefined;
  #loop: Promise<void> | undefined;
  #nextNumber = 0;
  #freeWanted: FreeRequest = nothing;
  #closed = false;

  constructor(
    parts: ExecutorParts,
    logger: EngineLogger,
    onFree: (request: FreeRequest) => void = () => undefined,
  ) {
    this.#parts = parts;
    this.#logger = logger;
    this.#onFree = onFree;
  }

  /** Connects the sockets, which in turn ask this worker for its state. */
  connect(hub: SocketHub): void {
    this.#hub = hub;
  }

  get running(): QueuedPrompt | undefined {
    return this.#running?.item;
  }

  get pending(): readonly QueuedPrompt[] {
    return this.#queue.pending;
  }

  get remaining(): number {
    return this.#queue.pending.length + (this.#running === undefined ? 0 : 1);
  }

  /** The place of the next prompt that names none. */
  nextNumber(): number {
    return this.#nextNumber++;
  }

  runningNode(clientId: string): string | undefined {
    return this.#running?.item.clientId === clientId ? this.#running.nodeId : undefined;
  }

  submit(item: QueuedPrompt): void {
    this.#queue.add(item);
    this.#tellStatus();
    this.#loop ??= this.#work();
  }

  /** Stops the running prompt; with an id only if it is that one. Says whether it did. */
  interrupt(promptId?: string): boolean {
    const running = this.#running;
    if (running === undefined || running.abort.signal.aborted) return false;
    if (promptId !== undefined && running.item.promptId !== promptId) return false;
    running.abort.abort(new Interrupted("The prompt was cancelled."));
    return true;
  }

  /** Cancels prompts wherever they are; says whether any was waiting or running. */
  cancel(ids: readonly string[]): boolean {
    const removed = this.removePending(ids);
    return ids.map((id) => this.interrupt(id)).includes(true) || removed;
  }

  removePending(ids: readonly string[]): boolean {
    const removed = this.#queue.remove(new Set(ids));
    if (removed) this.#tellStatus();
    return removed;
  }

  clearPending(): void {
    this.#queue.clear();
    this.#tellStatus();
  }

  /** Gives memory back, once the running prompt is over. */
  free({ models, cache }: FreeRequest): void {
    const wanted = this.#freeWanted;
    this.#freeWanted = { models: wanted.models || models, cache: wanted.cache || cache };
    if (this.#running === undefined) this.#freeNow();
  }

  /** Ends the running prompt and takes up no other. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.clear();
    this.interrupt();
    await this.#loop;
  }

  async #work(): Promise<void> {
    await setTimeout(startDelayMs);
    for (;;) {
      const item = this.#closed ? undefined : this.#queue.takeFirst();
      if (item === undefined) {
        // At once, so that a prompt submitted from now on starts the loop anew.
        this.#loop = undefined;
        return;
      }
      this.#running = { item, abort: new AbortController(), nodeId: undefined };
      this.#tellStatus();
      const entry = await this.#runGuarded(item, this.#running);
      this.history.add(item.promptId, entry);
      this.#running = undefined;
      this.#freeNow();
      this.#tellStatus();
      if (item.clientId !== undefined) this.#hub?.send(item.clientId, finished(item.promptId));
    }
  }

  async #runGuarded(item: QueuedPrompt, running: Running): Promise<HistoryEntry> {
    const hub = this.#hub;
    const { clientId, promptId } = item;
    try {
      return await runPrompt(item, this.#parts, {
        signal: running.abort.signal,
        isHeard: () => hub?.hasListeners(clientId) ?? false,
        toClient: (message) => clientId !== undefined && hub?.send(clientId, message),
        toClientOrAll: (message) => hub?.sendOrBroadcast(clientId, message),
        preview: (nodeId, jpeg) => hub?.preview(clientId, promptId, nodeId, jpeg),
        nodeStarted: (nodeId) => {
          running.nodeId = nodeId;
        },
      });
    } catch (error) {
      // A defect of the engine itself must not stop the prompts behind this one.
      this.#logger.error({ promptId, error: errorMessage(error) }, "a prompt could not be run");
      const status = { status_str: "error", completed: false, messages: [] } as const;
      return { prompt: promptTuple(item), outputs: {}, status, meta: {} };
    }
  }

  #freeNow(): void {
    const wanted = this.#freeWanted;
    this.#freeWanted = nothing;
    if (wanted.cache) this.#parts.cache.clear();
    if (wanted.models || wanted.cache) this.#onFree(wanted);
  }

  #tellStatus(): void {
    this.#hub?.broadcast(statusMessage(this.remaining));
  }
}
