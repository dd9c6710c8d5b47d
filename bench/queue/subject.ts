/** A queue under test, in a database of its own on the same server. */
export interface QueueSubject {
  readonly name: string;
  /** Queues this many more jobs by the fastest means it has. */
  fill(count: number): Promise<void>;
  /** Claims up to `batch` jobs in one call and says how many it got. */
  claim(batch: number): Promise<number>;
  close(): Promise<void>;
}
