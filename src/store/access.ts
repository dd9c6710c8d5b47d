import type { Release } from "../protocol/worker-link.ts";
import type { NodeCatalogue } from "./workers.ts";

export const scopes = ["run", "read", "admin"] as const;

export type Scope = (typeof scopes)[number];

export interface ApiKeyRecord {
  readonly id: string;
  readonly tenantId: number;
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly secretHash: Uint8Array;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export interface NewApiKey {
  readonly id: string;
  readonly tenantId: number;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly secretHash: Uint8Array;
  readonly validMs: number | null;
}

export interface DeploymentRecord {
  readonly id: number;
  readonly slug: string;
  readonly tenantId: number;
  readonly isDefault: boolean;
  readonly maxQueued: number;
  readonly deadlineMs: number;
  readonly executionTimeoutMs: number;
  readonly retentionMs: number;
  /** Other tenants that may use it. */
  readonly sharedWith: readonly number[];
  readonly createdAt: Date;
}

export interface AccessStore {
  /** Finds or makes a tenant and its default deployment. */
  ensureTenant(slug: string): Promise<{ readonly id: number }>;
  createApiKey(key: NewApiKey): Promise<void>;
  findApiKey(id: string): Promise<ApiKeyRecord | undefined>;
  listApiKeys(): Promise<readonly ApiKeyRecord[]>;
  /** False: no such key. */
  revokeApiKey(id: string): Promise<boolean>;
  touchApiKey(id: string): Promise<void>;
  hasActiveApiKey(): Promise<boolean>;
  findDeployment(slug: string): Promise<DeploymentRecord | undefined>;
  defaultDeployment(tenantId: number): Promise<DeploymentRecord>;
  /** Undefined: the name is taken. */
  createDeployment(tenantId: number, slug: string): Promise<DeploymentRecord | undefined>;
  listDeployments(): Promise<readonly DeploymentRecord[]>;
  /** What its workers are to have; without models until one has been set. */
  release(deploymentId: number): Promise<Release>;
  setRelease(deploymentId: number, release: Release): Promise<void>;
  /** Null until a worker of the deployment has been ready. */
  nodeCatalogue(deploymentId: number): Promise<NodeCatalogue | null>;
}
