import type { InstanceRecord } from "../store/control.ts";
import type { WorkerRecord } from "../store/workers.ts";

interface Sign {
  /** Changes whenever a worker of the instance speaks. */
  readonly text: string;
  /** When this process saw it change, by its own clock. */
  readonly changedAtMs: number;
  readonly hasSpoken: boolean;
}

/**
 * Finds instances whose workers do not speak, by changes seen from here, so that clocks may differ.
 * An instance without any worker is silent too: it failed to enrol or stays after it drained.
 */
export class SilenceWatch {
  private readonly silentMs: number;
  private readonly startMs: number;
  private signs: ReadonlyMap<string, Sign> = new Map();

  /** `startMs` holds for instances that have not spoken yet. */
  constructor(silentMs: number, startMs: number) {
    this.silentMs = silentMs;
    this.startMs = startMs;
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
      const hasSpoken = text !== "" || before?.hasSpoken === true;
      const isSame = before?.text === text;
      next.set(row.id, isSame ? before : { text, changedAtMs: nowMs, hasSpoken });
    }
    this.signs = next;
    const silent = [...next].filter(
      ([, { changedAtMs, hasSpoken }]) =>
        nowMs - changedAtMs >= (hasSpoken ? this.silentMs : this.startMs),
    );
    return new Set(silent.map(([id]) => id));
  }

  /** Forgets everything, after a time in which nobody could have been heard. */
  reset(): void {
    this.signs = new Map();
  }
}
