import type { FleetView, Head, ModelSetView, QueuedJob } from "../scheduler/head.ts";
import type { QueueIndex } from "../scheduler/queue-index.ts";
import { restSeconds, type ClusterView } from "./cluster.ts";

/** Cold model sets looked at in a VRAM class. */
const coldProbes = 8;

/** Heads that do not depend on who asks, read once for all idle workers of a moment. */
export class SharedHeads {
  readonly overdue: QueuedJob | undefined;
  private readonly cold = new Map<number, readonly QueuedJob[]>();
  private readonly index: QueueIndex;

  constructor(index: QueueIndex) {
    this.index = index;
    this.overdue = index.overdueHead();
  }

  coldFor(vramBytes: number): readonly QueuedJob[] {
    const known = this.cold.get(vramBytes);
    if (known !== undefined) return known;
    const heads = this.index.coldHeads(vramBytes, coldProbes);
    this.cold.set(vramBytes, heads);
    return heads;
  }
}

/** Which sets are warm where, gathered once for all idle workers that ask at the same moment. */
export class WarmSets {
  private readonly sets = new Map<string, { workers: number; inSeconds: number }>();
  private readonly index: QueueIndex;

  constructor(cluster: ClusterView, index: QueueIndex, nowSeconds: number) {
    this.index = index;
    for (const worker of cluster.workers) {
      if (worker.isDraining) continue;
      const inSeconds = restSeconds(worker, nowSeconds);
      for (const model of worker.residency.inVram) this.add(model, inSeconds);
    }
  }

  /** The sets that the asking worker would have to load: only there it matters who is warm. */
  viewFor(heads: readonly Head[], loadWeight: number): FleetView {
    const view: Record<string, ModelSetView> = {};
    for (const { job, loadSeconds } of heads) {
      const set = loadSeconds === 0 ? undefined : this.sets.get(job.modelSet);
      if (set === undefined) continue;
      view[job.modelSet] = {
        warmWorkers: set.workers,
        warmInSeconds: set.inSeconds,
        backlogSeconds: this.index.backlogSeconds(job.modelSet, loadWeight * loadSeconds),
      };
    }
    return view;
  }

  private add(model: string, inSeconds: number): void {
    const set = this.sets.get(model);
    if (set === undefined) this.sets.set(model, { workers: 1, inSeconds });
    else {
      set.workers++;
      set.inSeconds = Math.min(set.inSeconds, inSeconds);
    }
  }
}
