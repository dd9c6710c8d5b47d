export type InstanceState = "launching" | "running" | "terminating" | "gone";

/** What an instance runs on, as far as its platform says. */
export interface InstanceHardware {
  /** The platform's own name of the GPU or machine type. */
  readonly gpu: string | null;
  readonly region: string | null;
  readonly isSpot: boolean;
}

/** Something a platform started for us; the row exists before the launch is asked for. */
export interface InstanceRecord {
  readonly id: string;
  readonly deploymentId: number;
  readonly platform: string;
  /** The platform's own name for it; null until the launch is confirmed. */
  readonly externalId: string | null;
  readonly state: InstanceState;
  readonly createdAt: Date;
  /** Null until the platform has said it. */
  readonly hardware: InstanceHardware | null;
}

export interface ReapedJob {
  readonly jobId: string;
  readonly epoch: number;
  readonly deploymentId: number;
  readonly outcome: "requeued" | "failed" | "canceled";
  readonly reason: string;
}

export interface SweepReport {
  readonly deletedJobs: number;
  readonly deletedAssets: number;
  /** Keys whose bytes have no record any more and are to be deleted. */
  readonly orphanKeys: readonly string[];
  /** Ended jobs with given-up attempts: keys under these prefixes without a record are to go. */
  readonly orphanPrefixes: readonly string[];
}

/** What the control loops need. Every call is one bounded batch. */
export interface ControlStore {
  /** Ends attempts whose lease has run out by the database's clock, at most `limit`. */
  reapExpiredLeases(limit: number): Promise<readonly ReapedJob[]>;
  /** How long the database server has been up. */
  databaseUptimeMs(): Promise<number>;
  /** Expires jobs past their deadline that no worker holds. */
  expireOverdueJobs(limit: number): Promise<readonly string[]>;
  /** Deletes jobs and assets past their retention and names the bytes to delete. */
  sweep(limit: number): Promise<SweepReport>;
  /** Says that the bytes of these keys are gone. */
  forgetBlobs(keys: readonly string[]): Promise<void>;
  /** Of these blob keys, those with a record. */
  knownBlobKeys(keys: readonly string[]): Promise<readonly string[]>;
  createInstance(instance: { id: string; deploymentId: number; platform: string }): Promise<void>;
  updateInstance(id: string, state: InstanceState, externalId: string | null): Promise<void>;
  listInstances(platform: string): Promise<readonly InstanceRecord[]>;
  noteHardware(id: string, hardware: InstanceHardware): Promise<void>;
  /** Marks an instance's workers gone, ends their leases, and lets no late one in. */
  retireInstance(id: string): Promise<void>;
}

/** Held until released or until the database connection is lost. */
export interface Leadership {
  readonly lost: Promise<void>;
  release(): Promise<void>;
}

/** Hints between processes; a poll is the truth. */
export interface Signals {
  /** Wakes listeners of `topic` in this process at once and in others soon. */
  publish(topic: SignalTopic, id: string): void;
  /** Returns how to stop listening. */
  subscribe(topic: SignalTopic, listener: (id: string) => void): () => void;
}

/** `job`: a job changed (its id). `queue`: a deployment has work (its id). */
export type SignalTopic = "job" | "queue";
