import type { InstanceRecord } from "../store/control.ts";
import type { WorkerRecord } from "../store/workers.ts";

interface Sign {
  /** Changes whenever a worker of the instance speaks. */
  readonly text: string;
  /** When this process saw it change, by its own clock. */
  readonly changedAtMs: number;
}

/**
 * Finds instances whose workers do not speak, by changes seen from here, so that clocks may differ.
 * An instance without any worker is silent too: it failed to enrol or stays after it drained.
 */
export class SilenceWatch {
  private readonly silentMs: number;
  private signs: ReadonlyMap<string, Sign> = new Map();

  constructor(silentMs: number) {
    this.silentMs = silentMs;
  }

  observe(
    rows: readonly InstanceRecord[],
    workers: readonly WorkerRecord[],
    nowMs: number,
  ): ReadonlySet<string> {
    const next = new Map<string, Sign>();
    for (const row of rows) {
      const text = workers
        .filter((worker) => worker.instanceId === row.id)
        .map((worker) => `${worker.id}@${worker.lastSeenAt.getTime()}`)
        .join(" ");
      const before = this.signs.get(row.id);
      next.set(row.id, before?.text === text ? before : { text, changedAtMs: nowMs });
    }
    this.signs = next;
    const silent = [...next].filter(([, sign]) => nowMs - sign.changedAtMs >= this.silentMs);
    return new Set(silent.map(([id]) => id));
  }

  /** Forgets everything, after a time in which nobody could have been heard. */
  reset(): void {
    this.signs = new Map();
  }
}
