import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../observability/logger.ts";
import type { Store } from "../store/store.ts";

export interface ReapSnapshot {
  /** Since this process has been able to ask the database without a failure in between. */
  readonly reachableForMs: number;
  readonly databaseUptimeMs: number;
  readonly leaseMs: number;
}

export type ReapDecision =
  | { readonly action: "reap" }
  | { readonly action: "hold"; readonly reason: string };

/**
 * Leases that ran out while nobody could renew them say nothing about their workers, so after any
 * outage everybody gets one full lease to speak up.
 */
export function decideReap(snapshot: ReapSnapshot): ReapDecision {
  const { reachableForMs, databaseUptimeMs, leaseMs } = snapshot;
  if (databaseUptimeMs < leaseMs)
    return { action: "hold", reason: "the database has just started" };
  if (reachableForMs < leaseMs) return { action: "hold", reason: "this controller has just begun" };
  return { action: "reap" };
}

export interface ReaperOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly leaseMs: number;
}

const batch = 200;
/** A pass ends after this many batches; the next one goes on. */
const maxBatches = 50;

/** Ends attempts whose workers fell silent and wakes those who wait for their jobs. */
export class Reaper {
  private readonly options: ReaperOptions;
  private reachableSinceMs: number;

  constructor(options: ReaperOptions) {
    this.options = options;
    this.reachableSinceMs = options.clock.now();
  }

  async pass(): Promise<void> {
    const { store, clock, leaseMs } = this.options;
    try {
      const databaseUptimeMs = await store.control.databaseUptimeMs();
      const reachableForMs = clock.now() - this.reachableSinceMs;
      if (decideReap({ reachableForMs, databaseUptimeMs, leaseMs }).action === "hold") return;
      for (let round = 0; round < maxBatches; round++) {
        if ((await this.reapBatch()) < batch) return;
      }
    } catch (thrown) {
      this.reachableSinceMs = clock.now();
      throw thrown;
    }
  }

  private async reapBatch(): Promise<number> {
    const { store, logger } = this.options;
    const reaped = await store.control.reapExpiredLeases(batch);
    const pools = new Set<number>();
    for (const job of reaped) {
      logger.warn({ ...job }, "attempt lost: its worker fell silent");
      store.signals.publish("job", job.jobId);
      if (job.outcome === "requeued") pools.add(job.deploymentId);
    }
    for (const deploymentId of pools) store.signals.publish("queue", String(deploymentId));
    return reaped.length;
  }
}
