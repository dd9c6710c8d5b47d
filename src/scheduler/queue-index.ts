import { vramClassOf } from "../queue/vram-class.ts";
import { BinaryHeap } from "./binary-heap.ts";
import type { QueuedJob } from "./head.ts";
import { OverdueLane, type LaneTicket } from "./overdue-lane.ts";

/** One model set's queue. */
interface SetQueue {
  readonly modelSet: string;
  readonly jobs: BinaryHeap<Entry>;
  readonly vramClass: number;
  /** Where the set stands among the cold heads of its class; -1 while it is empty. */
  classIndex: number;
}

/** Jobs counted towards a backlog: an hour of pictures, past which any load pays. */
const mostCounted = 256;

interface Entry {
  readonly job: QueuedJob;
  readonly queue: SetQueue;
  readonly ticket: LaneTicket;
  setIndex: number;
}

/**
 * The queue of one pool in memory: a heap per model set on `v`, the sets of a VRAM class on the
 * `v'` of their first jobs, and the overdue lane. Every operation is O(log n). Postgres holds the
 * same orders as B-trees; this index serves the simulator and whoever keeps a queue in memory.
 */
export class QueueIndex {
  private readonly entries = new Map<string, Entry>();
  /** By model set, one queue a VRAM class: nearly always just one. */
  private readonly sets = new Map<string, SetQueue[]>();
  private readonly classes: BinaryHeap<SetQueue>[] = [];
  private readonly overdue = new OverdueLane();

  get size(): number {
    return this.entries.size;
  }

  add(job: QueuedJob): void {
    const queue = this.setQueueOf(job);
    const ticket = this.overdue.add(job);
    const entry: Entry = { job, queue, ticket, setIndex: -1 };
    this.entries.set(job.jobId, entry);
    queue.jobs.push(entry);
    this.reorder(queue);
  }

  /** Takes a job out: claimed, canceled or expired. Undefined if it is not queued. */
  take(jobId: string): QueuedJob | undefined {
    const entry = this.entries.get(jobId);
    if (entry === undefined) return undefined;
    const { queue } = entry;
    this.entries.delete(jobId);
    queue.jobs.removeAt(entry.setIndex);
    this.overdue.leave(entry.ticket);
    this.reorder(queue);
    return entry.job;
  }

  /** The jobs of the set that come first by `v`, one a VRAM class. */
  headsOf(modelSet: string): readonly QueuedJob[] {
    return firstJobs(this.sets.get(modelSet) ?? []);
  }

  /**
   * Expected run time of the set's jobs that come within `withinSeconds` of its first one: a tenant
   * that floods the set queues far behind and makes it no more worth a load.
   */
  backlogSeconds(modelSet: string, withinSeconds: number): number {
    let seconds = 0;
    for (const { jobs } of this.sets.get(modelSet) ?? []) {
      const first = jobs.peek();
      if (first === undefined) continue;
      const near = jobs.upTo(first.job.keySeconds + withinSeconds, mostCounted);
      for (const { job } of near) seconds += job.estimateSeconds;
    }
    return seconds;
  }

  /** First jobs of the sets that come first by `v'`, in each VRAM class up to that of `vramBytes`. */
  coldHeads(vramBytes: number, countPerClass: number): readonly QueuedJob[] {
    const found: QueuedJob[] = [];
    const most = Math.min(vramClassOf(vramBytes), this.classes.length - 1);
    for (let vramClass = 0; vramClass <= most; vramClass++) {
      const sets = this.classes[vramClass];
      if (sets !== undefined && sets.size > 0) found.push(...firstJobs(sets.least(countPerClass)));
    }
    return found;
  }

  /** The job that has been or will be overdue longest. */
  overdueHead(): QueuedJob | undefined {
    return this.overdue.first();
  }

  private setQueueOf(job: QueuedJob): SetQueue {
    const vramClass = vramClassOf(job.vramBytes);
    const queues = this.sets.get(job.modelSet) ?? [];
    const known = queues.find((queue) => queue.vramClass === vramClass);
    if (known !== undefined) return known;
    const jobs = new BinaryHeap<Entry>({
      keyOf: (entry) => entry.job.keySeconds,
      moved: (entry, index) => {
        entry.setIndex = index;
      },
    });
    const queue: SetQueue = {
      modelSet: job.modelSet,
      jobs,
      vramClass,
      classIndex: -1,
    };
    this.sets.set(job.modelSet, [...queues, queue]);
    return queue;
  }

  /** Puts the set where its first job now belongs among its class, or takes it out when empty. */
  private reorder(queue: SetQueue): void {
    const sets = this.classHeap(queue.vramClass);
    if (queue.jobs.size === 0) {
      if (queue.classIndex !== -1) sets.removeAt(queue.classIndex);
      this.forget(queue);
    } else if (queue.classIndex === -1) sets.push(queue);
    else sets.update(queue.classIndex);
  }

  private forget(queue: SetQueue): void {
    const others = (this.sets.get(queue.modelSet) ?? []).filter((other) => other !== queue);
    if (others.length === 0) this.sets.delete(queue.modelSet);
    else this.sets.set(queue.modelSet, others);
  }

  private classHeap(vramClass: number): BinaryHeap<SetQueue> {
    while (this.classes.length <= vramClass) {
      this.classes.push(
        new BinaryHeap<SetQueue>({
          keyOf: (queue) => queue.jobs.peek()?.job.coldKeySeconds ?? Infinity,
          moved: (queue, index) => {
            queue.classIndex = index;
          },
        }),
      );
    }
    const heap = this.classes[vramClass];
    if (heap === undefined) throw new Error(`there is no VRAM class ${vramClass}`);
    return heap;
  }
}

function firstJobs(queues: readonly SetQueue[]): readonly QueuedJob[] {
  const jobs: QueuedJob[] = [];
  for (const queue of queues) {
    const entry = queue.jobs.peek();
    if (entry !== undefined) jobs.push(entry.job);
  }
  return jobs;
}
