import type { JsonObject } from "../kernel/json.ts";

/** What was once deployed; it never changes. */
export interface ReleaseRecord {
  readonly id: string;
  readonly platform: string;
  /** Image and options, all that it is applied from. */
  readonly content: JsonObject;
  readonly createdAt: Date;
}

export type RolloutAction = "apply" | "rollback" | "destroy";

export interface RolloutRecord {
  readonly id: number;
  readonly deployment: string;
  readonly action: RolloutAction;
  /** Null: it was removed. */
  readonly releaseId: string | null;
  readonly actor: string;
  readonly startedAt: Date;
  /** Null: it goes on, or was cut off. */
  readonly finishedAt: Date | null;
}

export interface NewRollout {
  readonly deploymentId: number;
  readonly platform: string;
  readonly name: string;
  readonly action: RolloutAction;
  readonly releaseId: string | null;
  readonly actor: string;
}

export interface ReleaseStore {
  /** Keeps a release; the same again is no error. */
  saveRelease(release: Omit<ReleaseRecord, "createdAt">): Promise<void>;
  findRelease(id: string): Promise<ReleaseRecord | undefined>;
  /** Returns the rollout's id. */
  startRollout(rollout: NewRollout): Promise<number>;
  finishRollout(id: number): Promise<void>;
  /** The newest first. */
  rollouts(platform: string, name: string, limit: number): Promise<readonly RolloutRecord[]>;
}
