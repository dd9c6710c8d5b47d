import type { JobRecord } from "../store/jobs.ts";
import type { NewOutput } from "../store/attempts.ts";

/** What a follower is told of a job that has succeeded. */
export type Ending = Pick<
  JobRecord,
  "state" | "epoch" | "queuePosition" | "outlook" | "progress" | "outputs"
>;

/** More than gateways complete while a follower is being woken. */
const maxEndings = 1_000;

/**
 * How the latest jobs that were completed here have ended, for those who follow them at that moment:
 * the database has just been told and need not be asked. Whoever comes later asks it.
 */
export class Endings {
  private readonly endings = new Map<string, Ending>();

  /** To be told only of outputs that are recorded in this order and under these ids. */
  noteSuccess(jobId: string, epoch: number, outputs: readonly NewOutput[]): void {
    const listed = outputs.map(({ key: blobKey, ...output }) => ({ ...output, blobKey }));
    this.endings.set(jobId, {
      state: "succeeded",
      epoch,
      queuePosition: null,
      outlook: null,
      progress: null,
      outputs: listed,
    });
    const [oldest] = this.endings.keys();
    if (this.endings.size > maxEndings && oldest !== undefined) this.endings.delete(oldest);
  }

  of(jobId: string): Ending | undefined {
    return this.endings.get(jobId);
  }
}
