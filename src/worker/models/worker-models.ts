import { randomUUID } from "node:crypto";

import { errorMessage } from "../../kernel/errors.ts";
import { hold } from "../../models/io/holds.ts";
import { isSameFile, placeOf } from "../../models/io/place.ts";
import type { ModelStore } from "../../models/io/store.ts";
import type { Logger } from "../../observability/logger.ts";
import type { ModelsResponse, Resident } from "../../protocol/worker-link.ts";
import { modelKey, type ModelFile } from "../../workflow/model-ref.ts";
import type { Workflow } from "../../workflow/parse.ts";
import { modelsInOrder, modelUses, type ModelUse } from "../../workflow/model-use.ts";
import { pause } from "../retry.ts";
import { Delivery, type Arrival } from "./delivery.ts";
import { Residents } from "./residents.ts";
import { readThrough } from "./warm-cache.ts";

export interface WorkerModelsOptions {
  readonly store: ModelStore;
  readonly modelsFolder: string;
  readonly logger: Logger;
  /** Asks the gateway what to have. */
  readonly ask: (signal: AbortSignal) => Promise<ModelsResponse>;
  readonly pollMs: number;
  readonly signal: AbortSignal;
}

/** The models of one attempt. */
export interface AttemptModels {
  readonly uses: readonly ModelUse<ModelFile>[];
  /** In the order of first use. */
  readonly arrivals: readonly Arrival[];
  release(): void;
}

/** A release is asked for again when a workflow names a file that it does not hold. */
const staleReleaseMs = 2_000;
const modelName = /\.(?:safetensors|sft)$/u;

/** What a worker does about models: bring them, keep them, tell of them. */
export class WorkerModels {
  private readonly options: WorkerModelsOptions;
  private readonly delivery: Delivery;
  private readonly residents = new Residents();
  private readonly agentId = randomUUID();
  private readonly needs = new Map<symbol, readonly ModelFile[]>();
  private release: ModelsResponse = { models: [], warmup: null, backlog: [] };
  private askedMs = -Infinity;
  private warming: AbortController | undefined;

  constructor(options: WorkerModelsOptions) {
    this.options = options;
    const { store, modelsFolder, logger, signal } = options;
    this.delivery = new Delivery({
      store,
      modelsFolder,
      logger,
      signal,
      onArrived: (key, delivered) => this.residents.touched(key, delivered),
    });
  }

  /** Keeps asking and delivering until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { signal, pollMs, logger } = this.options;
    const delivering = this.delivery.run();
    while (!signal.aborted) {
      try {
        await this.refresh();
      } catch (thrown) {
        if (signal.aborted) break;
        logger.debug({ cause: errorMessage(thrown) }, "the list of models could not be read");
      }
      await pause(pollMs, signal).catch(() => undefined);
    }
    await delivering;
  }

  get warmup(): ModelsResponse["warmup"] {
    return this.release.warmup;
  }

  /** Begins to bring what a workflow names; undefined where it names nothing of the release. */
  async begin(workflow: Workflow): Promise<AttemptModels | undefined> {
    if (this.mayBeNew(workflow)) await this.refresh().catch(() => undefined);
    const uses = modelUses(workflow, this.release.models);
    if (uses.length === 0) return undefined;
    const id = Symbol("attempt");
    const files = modelsInOrder(uses);
    this.needs.set(id, files);
    const arrivals = this.bring(files);
    const release = (): void => {
      this.needs.delete(id);
    };
    return { uses, arrivals, release };
  }

  /** Resolves when some delivery has come further. */
  progress(signal: AbortSignal): Promise<void> {
    return this.delivery.progress(signal);
  }

  /** ComfyUI has run nodes that load these models. */
  ran({ uses }: AttemptModels): void {
    this.residents.ran([...new Set(uses.map(({ model }) => modelKey(model)))]);
  }

  /** ComfyUI has freed its memory, or is a new process. */
  freed(): void {
    this.residents.freed();
  }

  list(): readonly Resident[] {
    return this.residents.list();
  }

  /** While a job runs, the files of the next ones are read, so that memory has them. */
  warmNext(): void {
    this.warming?.abort(new Error("begun anew"));
    const warming = new AbortController();
    this.warming = warming;
    const signal = AbortSignal.any([warming.signal, this.options.signal]);
    this.readAhead(signal).catch((thrown: unknown) => {
      if (signal.aborted) return;
      this.options.logger.debug({ cause: errorMessage(thrown) }, "reading ahead failed");
    });
  }

  private async readAhead(signal: AbortSignal): Promise<void> {
    for (const key of this.release.backlog) {
      const path = this.residents.coldPath(key);
      if (path === undefined) continue;
      await readThrough(path, signal);
      this.residents.warmed(key);
    }
  }

  private bring(anew: readonly ModelFile[]): readonly Arrival[] {
    const files = [...this.needs.values()].flat();
    const unique = new Map(files.map((file) => [modelKey(file), file]));
    return this.delivery.need([...unique.values()], anew);
  }

  private async refresh(): Promise<void> {
    const { ask, signal, store } = this.options;
    this.release = await ask(signal);
    this.askedMs = performance.now();
    const { models, backlog } = this.release;
    const byKey = new Map(models.map((file) => [modelKey(file), file]));
    const first = backlog.map((key) => byKey.get(key)).filter((file) => file !== undefined);
    this.delivery.prefetch([...new Set([...first, ...models])]);
    const inUse = [...this.needs.values()].flat().map(modelKey);
    await hold(store.layout, this.agentId, [...new Set([...inUse, ...backlog])]);
    await this.lookAround(byKey);
  }

  /** What the store has is as good as here: placing it costs nothing. */
  private async lookAround(wanted: ReadonlyMap<string, ModelFile>): Promise<void> {
    const { store, modelsFolder } = this.options;
    const present = new Set<string>();
    for (const { model, sha256, bytes, pinned } of await store.list()) {
      const file = wanted.get(model);
      if (file === undefined || (file.sha256 !== null && file.sha256 !== sha256)) continue;
      present.add(model);
      this.residents.found(model, { path: store.layout.blob(sha256), bytes, pinned });
    }
    for (const { model } of this.residents.list()) {
      const file = wanted.get(model);
      // A file that was there before Hearth is in no store.
      const path = file && placeOf(modelsFolder, file);
      if (path !== undefined && (await isSameFile(path, path))) present.add(model);
    }
    this.residents.retain(present);
  }

  private mayBeNew(workflow: Workflow): boolean {
    if (performance.now() - this.askedMs < staleReleaseMs) return false;
    const known = new Set(this.release.models.map(({ filename }) => filename));
    for (const { inputs } of workflow.values()) {
      for (const value of Object.values(inputs)) {
        if (typeof value === "string" && modelName.test(value) && !known.has(value)) return true;
      }
    }
    return false;
  }
}
