import type { SimJob } from "../sim-job.ts";
import type { ElasticFleet, ElasticWorker } from "./fleet.ts";

/** What every rule may look at: nobody looks into the future. */
export interface ElasticView {
  readonly nowSeconds: number;
  /** Waiting jobs in order of arrival. */
  readonly waiting: ElasticFleet["waiting"];
  readonly workers: readonly ElasticWorker[];
  readonly lastLaunchSeconds: number | undefined;
}

export interface ElasticAction {
  readonly launch: number;
  readonly drain: readonly ElasticWorker[];
}

/** How many workers there are to be: the rule under test. */
export interface ElasticScaler {
  readonly name: string;
  /** Acts at these intervals; changes in between are not seen. */
  readonly intervalSeconds: number;
  /** Null: at every interval. Otherwise only while something waits, and at these times. */
  readonly sleeps: boolean;
  decide(view: ElasticView): ElasticAction & { readonly reviewAtSeconds?: number | null };
  arrived?(nowSeconds: number): void;
  finished?(end: {
    readonly job: SimJob;
    readonly latencySeconds: number;
    readonly runSeconds: number;
    readonly loadSeconds: number;
    readonly nowSeconds: number;
  }): void;
}

export function isIdle({ sim }: ElasticWorker): boolean {
  return sim !== undefined && sim.job === undefined && !sim.isDraining;
}

export function isBusy({ sim }: ElasticWorker): boolean {
  return sim?.job !== undefined;
}

/** Idle workers, those that have been idle longest first. */
export function idleFirst(workers: readonly ElasticWorker[]): readonly ElasticWorker[] {
  return workers.filter(isIdle).toSorted((left, right) => idleSince(left) - idleSince(right));
}

export function idleSince({ sim, readyAtSeconds }: ElasticWorker): number {
  return sim?.idleSinceSeconds ?? readyAtSeconds;
}
