/** A tenant's record of a file, with the bytes behind it. */
export interface AssetRecord {
  readonly id: string;
  readonly tenantId: number;
  readonly hash: string;
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly filePath: string | null;
  readonly blobKey: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly jobId: string | null;
}

export interface NewAsset {
  readonly id: string;
  readonly tenantId: number;
  readonly hash: string;
  readonly contentType: string;
  readonly filePath: string | null;
  readonly tags: readonly string[];
  /** Retention from now; null keeps the asset until it is deleted. */
  readonly retentionMs: number | null;
  /** The bytes just stored; absent to use bytes that the tenant already has. */
  readonly blob?: { readonly key: string; readonly sizeBytes: number };
}

export interface MintedAsset {
  readonly asset: AssetRecord;
  /** The blob was new to this tenant. False: `blob.key` is not needed and may be deleted. */
  readonly isNewBlob: boolean;
  /** A record with the same tenant, hash and path stood already and was returned. */
  readonly isExistingRecord: boolean;
}

export interface AssetStore {
  /**
   * Mints a record over a blob. The same (tenant, hash, path) always yields the same record, whose
   * retention is extended and never shortened. Undefined: no `blob` given and none stored.
   */
  mint(asset: NewAsset, idempotencyKey: string | null): Promise<MintedAsset | "reused" | undefined>;
  hasBlob(tenantId: number, hash: string): Promise<boolean>;
  get(tenantId: number, assetId: string): Promise<AssetRecord | undefined>;
  getMany(tenantId: number, assetIds: readonly string[]): Promise<readonly AssetRecord[]>;
  /** The newest upload under each path; outputs of jobs do not count. */
  findByPaths(tenantId: number, filePaths: readonly string[]): Promise<readonly AssetRecord[]>;
  /** `in_use`: a job that has not ended needs it, or it is the output of a job that is kept. */
  delete(tenantId: number, assetId: string): Promise<"deleted" | "not_found" | "in_use">;
}
