import type { ClusterObserver } from "./cluster.ts";
import type { SimJob } from "./sim-job.ts";

/** One job from arrival to result; seconds on the virtual clock. */
export interface JobOutcome {
  readonly job: SimJob;
  readonly waitSeconds: number;
  readonly latencySeconds: number;
}

/** What one run of one policy came to. Raw numbers; `summarize` turns them into figures. */
export interface Outcome {
  readonly jobs: JobOutcome[];
  /** Model loads into VRAM, from RAM or disk. */
  swaps: number;
  loadSeconds: number;
  /** Workers' time spent loading and running, lost runs included. */
  busySeconds: number;
  attemptsLost: number;
}

/** Listens to a cluster and writes down what comes of each job. */
export class Recorder implements ClusterObserver {
  readonly outcome: Outcome = {
    jobs: [],
    swaps: 0,
    loadSeconds: 0,
    busySeconds: 0,
    attemptsLost: 0,
  };
  private readonly startedAt = new Map<string, number>();

  started(start: { job: SimJob; atSeconds: number; loadSeconds: number }): void {
    if (start.loadSeconds > 0) this.outcome.swaps++;
    this.outcome.loadSeconds += start.loadSeconds;
    this.startedAt.set(start.job.jobId, start.atSeconds);
  }

  finished(end: { job: SimJob; atSeconds: number }): void {
    const { job, atSeconds } = end;
    const startedAt = this.leave(job, atSeconds);
    this.outcome.jobs.push({
      job,
      waitSeconds: startedAt - job.arrivalSeconds,
      latencySeconds: atSeconds - job.arrivalSeconds,
    });
  }

  lost(end: { job: SimJob; atSeconds: number }): void {
    this.leave(end.job, end.atSeconds);
    this.outcome.attemptsLost++;
  }

  private leave(job: SimJob, atSeconds: number): number {
    const startedAt = this.startedAt.get(job.jobId) ?? atSeconds;
    this.startedAt.delete(job.jobId);
    this.outcome.busySeconds += atSeconds - startedAt;
    return startedAt;
  }
}
