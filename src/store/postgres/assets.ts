import type { AssetRecord, AssetStore, MintedAsset, NewAsset } from "../assets.ts";
import type { Runner } from "./database.ts";

/** Records of files. */
export class PostgresAssets implements AssetStore {
  private readonly database: Runner;

  constructor(database: Runner) {
    this.database = database;
  }

  async mint(
    asset: NewAsset,
    idempotencyKey: string | null,
  ): Promise<MintedAsset | "reused" | undefined> {
    const [row] = await this.database.run<AssetRecord & { readonly isNewBlob: boolean }>(
      "assets-mint",
      [
        asset.id,
        asset.tenantId,
        asset.hash,
        asset.contentType,
        asset.filePath,
        asset.tags,
        asset.blob?.key ?? null,
        asset.blob?.sizeBytes ?? null,
        asset.retentionMs,
        idempotencyKey,
      ],
    );
    if (row === undefined) {
      return idempotencyKey !== null && (await this.releaseOrKeep(asset, idempotencyKey))
        ? "reused"
        : undefined;
    }
    const { isNewBlob, ...record } = row;
    return { asset: record, isNewBlob, isExistingRecord: record.id !== asset.id };
  }

  async hasBlob(tenantId: number, hash: string): Promise<boolean> {
    const [row] = await this.database.run<{ found: boolean }>("assets-has-blob", [tenantId, hash]);
    return row?.found ?? false;
  }

  async get(tenantId: number, assetId: string): Promise<AssetRecord | undefined> {
    return (await this.getMany(tenantId, [assetId]))[0];
  }

  getMany(tenantId: number, assetIds: readonly string[]): Promise<readonly AssetRecord[]> {
    return this.database.run<AssetRecord>("assets-get", [tenantId, assetIds]);
  }

  findByPaths(tenantId: number, filePaths: readonly string[]): Promise<readonly AssetRecord[]> {
    return this.database.run<AssetRecord>("assets-by-paths", [tenantId, filePaths]);
  }

  async delete(tenantId: number, assetId: string): Promise<"deleted" | "not_found" | "in_use"> {
    const [row] = await this.database.run<{ held: boolean }>("assets-delete", [tenantId, assetId]);
    if (row === undefined) return "not_found";
    return row.held ? "in_use" : "deleted";
  }

  /** No record was minted: either the key stood before, or there are no bytes for the hash. */
  private async releaseOrKeep(asset: NewAsset, idempotencyKey: string): Promise<boolean> {
    if (asset.blob === undefined && !(await this.hasBlob(asset.tenantId, asset.hash))) {
      await this.database.sql("delete from idempotency where tenant_id = $1 and key = $2", [
        asset.tenantId,
        idempotencyKey,
      ]);
      return false;
    }
    return true;
  }
}
