import { z } from "zod";

import type { Gpu } from "../../catalogue/schema.ts";
import { releaseId, type DeployTarget } from "./resource.ts";

const text = z.string().min(1).max(2_000);

/** All that a release is applied from. Another value anywhere is another release. */
export const releaseContentSchema = z.strictObject({
  platform: text,
  /** What the resources are called. */
  name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$/u, {
    error: "use up to 48 lower-case letters, digits and -",
  }),
  deployment: text,
  image: text,
  gatewayUrl: text,
  /** By the catalogue's id. */
  gpu: text,
  region: text,
  minWorkers: z.int().min(0).max(1_000),
  maxWorkers: z.int().min(1).max(1_000),
  cpuCores: z.int().min(1).max(256),
  memoryGib: z.int().min(1).max(4_096),
  graceSeconds: z.int().min(1).max(86_400),
  place: z.record(z.string().max(100), text),
  /** What workers are to have, as the lock says; null: what the deployment has stays. */
  lock: z.record(z.string(), z.json()).nullable(),
});

export type ReleaseContent = z.infer<typeof releaseContentSchema>;

/** Says of a release what is to be there. */
export function targetOf(content: ReleaseContent, gpu: Gpu): DeployTarget {
  const { platform: _, place, lock: __, ...plan } = content;
  return { plan: { ...plan, gpu }, place, release: releaseIdOf(content) };
}

export function releaseIdOf(content: ReleaseContent): string {
  return releaseId(content);
}

/** One time that somebody applied or removed a release. */
export interface Rollout {
  /** Null: it was removed. */
  readonly releaseId: string | null;
  readonly finishedAt: Date | null;
}

export interface RolloutHistory {
  readonly live: string | null;
  /** What a rollback goes to. */
  readonly previous: string | null;
  /** The newest was cut off, or goes on. */
  readonly isUnfinished: boolean;
}

/** What is live and what was before, of rollouts with the newest first. */
export function historyOf(rollouts: readonly Rollout[]): RolloutHistory {
  const finished = rollouts.filter(({ finishedAt }) => finishedAt !== null);
  const live = finished[0]?.releaseId ?? null;
  const before = finished.slice(1).map(({ releaseId: id }) => id);
  return {
    live,
    previous: before.find((id) => id !== null && id !== live) ?? null,
    isUnfinished: rollouts.length > 0 && rollouts[0]?.finishedAt === null,
  };
}
