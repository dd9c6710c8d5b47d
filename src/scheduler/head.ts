/** A queued job as a decision sees it. Times are seconds on the clock of the queue. */
export interface QueuedJob {
  readonly jobId: string;
  /** Id of the set of models it needs; "" for none. */
  readonly modelSet: string;
  readonly keySeconds: number;
  readonly coldKeySeconds: number;
  readonly overdueAtSeconds: number;
  readonly enqueuedAtSeconds: number;
  readonly estimateSeconds: number;
  /** What a card must have for it. */
  readonly vramBytes: number;
  readonly deadlineSeconds: number | null;
  /** It was demoted once already and is run late rather than judged again. */
  readonly isDemoted: boolean;
}

/** Where a head was found: behind a resident model set, among cold sets, or in the overdue lane. */
export type Lane = "resident" | "cold" | "overdue";

/** The first job of some order, with what loading its models on this worker would take. */
export interface Head {
  readonly job: QueuedJob;
  readonly lane: Lane;
  readonly loadSeconds: number;
}

/** The worker that asks. */
export interface WorkerView {
  readonly workerId: string;
  /** What the worker can make free for one job. */
  readonly vramBytes: number;
  /** How many jobs it has claimed before. */
  readonly claims: number;
  /** More than half of the workers are idle: what this one loads takes little from others. */
  readonly isSpare?: boolean;
}

/** What the rest of the fleet means for one model set. */
export interface ModelSetView {
  /** Other workers that hold the set in VRAM. */
  readonly warmWorkers: number;
  /** Seconds until the first of them is expected to be free; 0 for an idle one. */
  readonly warmInSeconds: number;
  /**
   * Expected run time of what is queued for the set and comes within a weighted load of its first
   * job. Counting more costs only loads that were not worth it.
   */
  readonly backlogSeconds: number;
}

/** By model set; a set that is missing is warm nowhere. May be stale: it costs only efficiency. */
export type FleetView = Readonly<Record<string, ModelSetView>>;
