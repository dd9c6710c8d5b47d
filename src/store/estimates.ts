/** What is known of the run times behind one key. */
export interface EstimateRecord {
  readonly meanSeconds: number;
  readonly samples: number;
}

/** An attempt that succeeded, with what its run time says something about. */
export interface ObservedRun {
  readonly jobId: string;
  readonly epoch: number;
  readonly deploymentId: number;
  readonly tenantId: number;
  readonly fingerprint: string | null;
  readonly modelSet: number;
  readonly sizeClass: string;
  readonly gpu: string;
  /** What it was charged for at submit. */
  readonly estimateMs: number;
  /** ComfyUI's own time for it. */
  readonly executeMs: number;
  /** From the claim to the end: what it cost its tenant. */
  readonly busyMs: number;
  /** Whether several tenants use the pool. */
  readonly isShared: boolean;
}

export interface EstimateSample {
  readonly deploymentId: number;
  readonly key: string;
  readonly seconds: number;
}

/** A tenant's clock moves by so many seconds of its share. */
export interface ClockCorrection {
  readonly deploymentId: number;
  readonly tenantId: number;
  readonly seconds: number;
}

export interface EstimateStore {
  find(deploymentId: number, keys: readonly string[]): Promise<ReadonlyMap<string, EstimateRecord>>;
  /** Reads attempts that have ended; those that did not succeed or told no time are left out. */
  observed(
    attempts: readonly { readonly jobId: string; readonly epoch: number }[],
  ): Promise<readonly ObservedRun[]>;
  /** Folds samples in, one after the other, in one transaction. */
  learn(
    samples: readonly EstimateSample[],
    fold: (known: EstimateRecord | undefined, seconds: number) => EstimateRecord,
  ): Promise<void>;
  correctClocks(corrections: readonly ClockCorrection[]): Promise<void>;
  /** Adds to what tenants have used today. */
  addUsage(usage: readonly { readonly tenantId: number; readonly gpuMs: number }[]): Promise<void>;
  /** Forgets what has not been seen for 30 days, at most `limit`. */
  sweep(limit: number): Promise<number>;
}
