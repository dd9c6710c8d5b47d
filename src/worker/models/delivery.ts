import { errorMessage } from "../../kernel/errors.ts";
import type { ModelStore } from "../../models/io/store.ts";
import type { Logger } from "../../observability/logger.ts";
import { modelKey, type ModelFile } from "../../workflow/model-ref.ts";
import { Alarm } from "../alarm.ts";
import { deliver, type Delivered } from "./deliver.ts";

export interface DeliveryOptions {
  readonly store: ModelStore;
  /** ComfyUI's `models` folder. */
  readonly modelsFolder: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onArrived: (key: string, delivered: Delivered) => void;
}

/** How a model's delivery stands. */
export interface Arrival {
  readonly file: ModelFile;
  /** When its bytes came over the wire; undefined where they were here already. */
  fetched: { readonly startMs: number; readonly endMs: number } | undefined;
  arrivedMs: number | undefined;
  fault: unknown;
  faultMs: number;
  doneBytes: number;
  totalBytes: number;
}

/** A prefetch that failed is tried again after this long; a job that needs it does not wait. */
const retryMs = 30_000;

/**
 * Brings models one after the other, each over all connections: what a running job needs first,
 * then what queued jobs need, then the rest. A download that something more urgent overtakes is
 * gone on with later.
 */
export class Delivery {
  private readonly options: DeliveryOptions;
  private readonly arrivals = new Map<string, Arrival>();
  private readonly changed = new Alarm();
  private readonly listeners = new Set<() => void>();
  /** Keys in order of urgency. */
  private needed: readonly string[] = [];
  private prefetched: readonly string[] = [];
  private current: { readonly key: string; readonly overtaken: AbortController } | undefined;

  constructor(options: DeliveryOptions) {
    this.options = options;
  }

  /** What to bring while no job needs anything, in this order. */
  prefetch(files: readonly ModelFile[]): void {
    this.prefetched = files.map((file) => this.track(file, false));
    this.wake();
  }

  /** What running jobs need, in this order; returns how `anew`, a part of it, stands from now on. */
  need(files: readonly ModelFile[], anew: readonly ModelFile[]): readonly Arrival[] {
    const keys = anew.map((file) => this.track(file, true));
    this.needed = files.map((file) => this.track(file, false));
    this.wake();
    return keys.map((key) => this.arrivals.get(key)).filter((one) => one !== undefined);
  }

  /** Resolves when anything has arrived, failed or come further. */
  progress(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.listeners.delete(end);
        signal.removeEventListener("abort", abort);
        resolve();
      };
      const abort = (): void => {
        this.listeners.delete(end);
        reject(signal.reason as Error);
      };
      if (signal.aborted) return reject(signal.reason as Error);
      signal.addEventListener("abort", abort, { once: true });
      this.listeners.add(end);
    });
  }

  /** Delivers until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.options;
    while (!signal.aborted) {
      const next = this.next();
      if (next === undefined) await this.changed.wait(retryMs, [signal]);
      else await this.bring(...next);
    }
  }

  private async bring(key: string, arrival: Arrival): Promise<void> {
    const { store, modelsFolder, logger, signal, onArrived } = this.options;
    const overtaken = new AbortController();
    this.current = { key, overtaken };
    const startMs = arrival.fetched?.startMs ?? performance.now();
    try {
      const delivered = await deliver(store, modelsFolder, arrival.file, {
        signal: AbortSignal.any([signal, overtaken.signal]),
        keep: new Set([...this.needed, ...this.prefetched]),
        onProgress: (doneBytes, totalBytes) => {
          const fetched = { startMs, endMs: performance.now() };
          Object.assign(arrival, { doneBytes, totalBytes, fetched });
          this.tell();
        },
      });
      arrival.arrivedMs = performance.now();
      onArrived(key, delivered);
    } catch (thrown) {
      if (overtaken.signal.aborted || signal.aborted) return;
      arrival.fault = thrown;
      arrival.faultMs = performance.now();
      logger.warn({ model: key, cause: errorMessage(thrown) }, "a model could not be delivered");
    } finally {
      this.current = undefined;
      this.tell();
    }
  }

  private next(): readonly [string, Arrival] | undefined {
    for (const key of [...this.needed, ...this.prefetched]) {
      const arrival = this.arrivals.get(key);
      if (arrival === undefined || arrival.arrivedMs !== undefined) continue;
      const isFresh = performance.now() - arrival.faultMs < retryMs;
      if (arrival.fault === undefined || !isFresh) return [key, arrival];
    }
    return undefined;
  }

  /**
   * For a new job what has arrived is looked at again, since another agent may have evicted it, and
   * what has failed is tried again.
   */
  private track(file: ModelFile, isAnew: boolean): string {
    const key = modelKey(file);
    const known = this.arrivals.get(key);
    const isPending = known?.arrivedMs === undefined && known?.fault === undefined;
    if (known !== undefined && isEqual(known.file, file) && (isPending || !isAnew)) return key;
    this.arrivals.set(key, {
      file,
      fetched: known?.fetched,
      arrivedMs: undefined,
      fault: undefined,
      faultMs: -Infinity,
      doneBytes: 0,
      totalBytes: file.bytes ?? 0,
    });
    return key;
  }

  private wake(): void {
    const { current } = this;
    const isOvertaken = current !== undefined && this.next()?.[0] !== current.key;
    if (isOvertaken) current.overtaken.abort(new Error("something else is more urgent"));
    this.changed.ring();
  }

  private tell(): void {
    const listeners = [...this.listeners];
    for (const listener of listeners) listener();
  }
}

function isEqual(one: ModelFile, other: ModelFile): boolean {
  return one.sha256 === other.sha256 && one.sources.join("\n") === other.sources.join("\n");
}
