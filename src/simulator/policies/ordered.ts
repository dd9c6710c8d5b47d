import { jobPriorities } from "../../queue/queue-key.ts";
import { BinaryHeap } from "../../scheduler/binary-heap.ts";
import type { Assignment, ClusterView, Dispatcher, SimWorker } from "../cluster.ts";
import { EstimateBook } from "../estimate-book.ts";
import type { SimJob } from "../sim-job.ts";

interface Waiting {
  readonly job: SimJob;
  readonly key: number;
}

interface Order {
  readonly name: string;
  readonly keyOf: (job: SimJob, estimateSeconds: number) => number;
  /** Whether the first job goes to the idle worker that loads least for it, or to any. */
  readonly seeksWarm: boolean;
}

interface Candidate {
  readonly heap: BinaryHeap<Waiting>;
  readonly job: SimJob;
  readonly able: readonly SimWorker[];
}

/** The baselines: one order of jobs, and the first job goes to some idle worker. */
class OrderedDispatcher implements Dispatcher {
  readonly name: string;
  private readonly order: Order;
  private readonly estimates = new EstimateBook();
  /** By what the jobs need of a card: a job that waits for a large one holds up no small one. */
  private readonly waiting = new Map<number, BinaryHeap<Waiting>>();
  private size = 0;

  constructor(order: Order) {
    this.name = order.name;
    this.order = order;
  }

  get queued(): number {
    return this.size;
  }

  enqueue(job: SimJob): void {
    const { vramBytes } = job;
    const heap =
      this.waiting.get(vramBytes) ?? new BinaryHeap<Waiting>({ keyOf: ({ key }) => key });
    heap.push({ job, key: this.order.keyOf(job, this.estimates.estimateSeconds(job)) });
    this.waiting.set(vramBytes, heap);
    this.size++;
  }

  next({ idle }: ClusterView): Assignment | undefined {
    const first = this.firstFor(idle);
    if (first === undefined) return undefined;
    const { heap, job, able } = first;
    const worker = this.order.seeksWarm ? warmest(able, job) : able[0];
    if (worker === undefined) return undefined;
    heap.pop();
    this.size--;
    const expectedSeconds =
      worker.residency.expectedSeconds(job) + this.estimates.estimateSeconds(job);
    return { worker, job, expectedSeconds };
  }

  /** The first job for which some idle worker is large enough. */
  private firstFor(idle: readonly SimWorker[]): Candidate | undefined {
    let best: Candidate | undefined;
    let bestKey = Infinity;
    for (const [vramBytes, heap] of this.waiting) {
      const first = heap.peek();
      if (first === undefined || first.key >= bestKey) continue;
      const able = idle.filter((worker) => worker.vramBytes >= vramBytes);
      if (able.length > 0) [best, bestKey] = [{ heap, job: first.job, able }, first.key];
    }
    return best;
  }

  finished(job: SimJob, ran: { readonly runSeconds: number }): void {
    this.estimates.learn(job, ran.runSeconds);
  }
}

function warmest(idle: readonly SimWorker[], job: SimJob): SimWorker | undefined {
  let best: SimWorker | undefined;
  let bestSeconds = Infinity;
  for (const worker of idle) {
    const seconds = worker.residency.expectedSeconds(job);
    // Of workers alike: warm, the one busy last; else the one idle longest, with the oldest models.
    const isBetter = seconds < bestSeconds || (seconds === 0 && bestSeconds === 0);
    if (isBetter) [best, bestSeconds] = [worker, seconds];
  }
  return best;
}

const byArrival = (job: SimJob): number => job.arrivalSeconds;
/** A step longer than any trace, so that a class never waits for a lower one. */
const byClass = (job: SimJob): number =>
  job.arrivalSeconds - 1e8 * jobPriorities.indexOf(job.priority);
const bySize = (job: SimJob, estimateSeconds: number): number =>
  job.arrivalSeconds + estimateSeconds;

export function fifo(): Dispatcher {
  return new OrderedDispatcher({ name: "fifo", keyOf: byArrival, seeksWarm: false });
}

export function fifoWarm(): Dispatcher {
  return new OrderedDispatcher({ name: "fifo + warm", keyOf: byArrival, seeksWarm: true });
}

export function strictPriority(): Dispatcher {
  return new OrderedDispatcher({ name: "strict priority", keyOf: byClass, seeksWarm: true });
}

/** Shortest job first, aged: a second of waiting makes up for a second of run time. */
export function agedSjf(name = "aged sjf"): Dispatcher {
  return new OrderedDispatcher({ name, keyOf: bySize, seeksWarm: true });
}
