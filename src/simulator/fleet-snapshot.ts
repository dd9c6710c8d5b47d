import type { FleetView, Head, ModelSetView, QueuedJob } from "../scheduler/head.ts";
import type { QueueIndex } from "../scheduler/queue-index.ts";
import type { ClusterView, SimWorker } from "./cluster.ts";

/** Cold model sets looked at in a VRAM class. */
const coldProbes = 8;
const overdueProbes = 3;

/** Heads that do not depend on who asks, read once for all idle workers of a moment. */
export class SharedHeads {
  readonly overdue: readonly QueuedJob[];
  private readonly cold = new Map<number, readonly QueuedJob[]>();
  private readonly index: QueueIndex;

  constructor(index: QueueIndex) {
    this.index = index;
    this.overdue = index.overdueHeads(overdueProbes);
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
  private readonly sets = new Map<string, { worker: SimWorker; inSeconds: number }[]>();
  private readonly index: QueueIndex;

  constructor(cluster: ClusterView, index: QueueIndex, nowSeconds: number) {
    this.index = index;
    for (const worker of cluster.workers) {
      if (worker.isDraining) continue;
      const inSeconds =
        worker.job === undefined ? 0 : Math.max(0, worker.freeAtSeconds - nowSeconds);
      for (const model of worker.residency.inVram) {
        const list = this.sets.get(model) ?? [];
        list.push({ worker, inSeconds });
        this.sets.set(model, list);
      }
    }
  }

  viewFor(asking: SimWorker, heads: readonly Head[]): FleetView {
    const view: Record<string, ModelSetView> = {};
    for (const { job } of heads) {
      const warm = (this.sets.get(job.modelSet) ?? []).filter(({ worker }) => worker !== asking);
      if (warm.length === 0) continue;
      view[job.modelSet] = {
        warmWorkers: warm.length,
        warmInSeconds: Math.min(...warm.map(({ inSeconds }) => inSeconds)),
        backlogSeconds: this.index.backlogSeconds(job.modelSet),
      };
    }
    return view;
  }
}
