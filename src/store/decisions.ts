/** What one worker was given in a round. */
export interface DecisionRecord {
  readonly workerId: string;
  /** As `decide` returned it. */
  readonly choice: object;
  /** The job that it got: another one where somebody was faster, null for none. */
  readonly claimedJobId: string | null;
}

/** One round of decisions with everything that it looked at. */
export interface NewDecisionRound {
  readonly deploymentId: number;
  /** Plain data; what it looks like is the scheduler's business. */
  readonly input: object;
  readonly decisions: readonly DecisionRecord[];
}

export interface DecisionRound extends NewDecisionRound {
  readonly id: number;
  readonly decidedAt: Date;
}

/** Why jobs ran where they did; kept for the latest rounds only. */
export interface DecisionStore {
  save(rounds: readonly NewDecisionRound[]): Promise<void>;
  /** Rounds in which the job was given to a worker, latest first. */
  ofJob(jobId: string, limit: number): Promise<readonly DecisionRound[]>;
  /** Rounds in which the worker took part, latest first. */
  ofWorker(workerId: string, limit: number): Promise<readonly DecisionRound[]>;
  /** Rounds of a deployment, latest first. */
  latest(deploymentId: number, limit: number): Promise<readonly DecisionRound[]>;
  /** Deletes all but the latest `keep` rounds, at most `limit`. */
  sweep(keep: number, limit: number): Promise<number>;
}
