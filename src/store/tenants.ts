import type { JobPriority } from "../queue/queue-key.ts";

/** What a tenant may do; null: no limit. */
export interface TenantLimits {
  /** Jobs waiting, over all deployments. */
  readonly maxQueued: number | null;
  /** Jobs running at once, over all deployments. */
  readonly maxRunning: number | null;
  /** Time on workers in a day (UTC). */
  readonly maxGpuMsADay: number | null;
  /** Of jobs that do not say; null: normal. */
  readonly defaultPriority: JobPriority | null;
}

export interface TenantRecord extends TenantLimits {
  readonly id: number;
  readonly slug: string;
  readonly gpuMsToday: number;
  /** Deployments of others that it may use, with its weight in each. */
  readonly shares: readonly { readonly deployment: string; readonly weight: number }[];
}

/** A tenant as admission sees it. */
export interface TenantLoad extends TenantLimits {
  readonly queued: number;
  readonly gpuMsToday: number;
}

export interface TenantStore {
  list(): Promise<readonly TenantRecord[]>;
  /** Sets what is named and leaves the rest. */
  setLimits(tenantId: number, limits: Partial<TenantLimits>): Promise<void>;
  /** Lets a tenant use a deployment; again: with another weight. */
  share(tenantId: number, deploymentId: number, weight: number): Promise<void>;
  /** False: it was not shared with this tenant. */
  unshare(tenantId: number, deploymentId: number): Promise<boolean>;
  load(tenantId: number): Promise<TenantLoad>;
  /** What a tenant is owed in a shared pool, beside all that have work there. */
  shareOf(
    tenantId: number,
    deploymentId: number,
  ): Promise<{ readonly weight: number; readonly activeWeight: number }>;
}
