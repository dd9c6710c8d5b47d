import type { Release } from "../../protocol/worker-link.ts";
import type { AccessStore, ApiKeyRecord, DeploymentRecord, NewApiKey } from "../access.ts";
import type { NodeCatalogue } from "../workers.ts";
import type { Database, Runner } from "./database.ts";

const apiKeyColumns = `k.id, k.tenant_id as "tenantId", t.slug as tenant, k.name, k.scopes,
  k.secret_hash as "secretHash", k.created_at as "createdAt", k.expires_at as "expiresAt",
  k.revoked_at as "revokedAt", k.last_used_at as "lastUsedAt"`;

const deploymentColumns = `id, slug, tenant_id as "tenantId", is_default as "isDefault",
  max_queued as "maxQueued", deadline_ms as "deadlineMs",
  execution_timeout_ms as "executionTimeoutMs", retention_ms as "retentionMs",
  array(select s.tenant_id from deployment_share s where s.deployment_id = deployment.id
    order by 1) as "sharedWith",
  created_at as "createdAt"`;

/** Tenants, keys and deployments. */
export class PostgresAccess implements AccessStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async ensureTenant(slug: string): Promise<{ readonly id: number }> {
    const found = await findTenant(this.database, slug);
    if (found !== undefined) return found;
    return this.database.transaction(async (runner) => {
      await runner.sql("insert into tenant (slug) values ($1) on conflict do nothing", [slug]);
      const tenant = await findTenant(runner, slug);
      if (tenant === undefined) throw new Error(`Tenant ${slug} vanished`);
      await runner.sql(
        `insert into deployment (slug, tenant_id, is_default) values ($1, $2, true)
         on conflict do nothing`,
        [slug, tenant.id],
      );
      return tenant;
    });
  }

  async createApiKey(key: NewApiKey): Promise<void> {
    await this.database.sql(
      `insert into api_key (id, tenant_id, name, scopes, secret_hash, expires_at)
       values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6::float8 / 1000))`,
      [key.id, key.tenantId, key.name, key.scopes, Buffer.from(key.secretHash), key.validMs],
    );
  }

  async findApiKey(id: string): Promise<ApiKeyRecord | undefined> {
    const [row] = await this.database.sql<ApiKeyRecord>(
      `select ${apiKeyColumns} from api_key k join tenant t on t.id = k.tenant_id where k.id = $1`,
      [id],
    );
    return row;
  }

  listApiKeys(): Promise<readonly ApiKeyRecord[]> {
    return this.database.sql<ApiKeyRecord>(
      `select ${apiKeyColumns} from api_key k join tenant t on t.id = k.tenant_id
       order by k.created_at`,
      [],
    );
  }

  async revokeApiKey(id: string): Promise<boolean> {
    const rows = await this.database.sql(
      `update api_key set revoked_at = coalesce(revoked_at, clock_timestamp())
       where id = $1 returning id`,
      [id],
    );
    return rows.length > 0;
  }

  async touchApiKey(id: string): Promise<void> {
    await this.database.sql("update api_key set last_used_at = clock_timestamp() where id = $1", [
      id,
    ]);
  }

  async hasActiveApiKey(): Promise<boolean> {
    const rows = await this.database.sql(
      `select from api_key where revoked_at is null
       and coalesce(expires_at, 'infinity') > clock_timestamp() limit 1`,
      [],
    );
    return rows.length > 0;
  }

  async findDeployment(slug: string): Promise<DeploymentRecord | undefined> {
    const [row] = await this.database.sql<DeploymentRecord>(
      `select ${deploymentColumns} from deployment where slug = $1`,
      [slug],
    );
    return row;
  }

  async defaultDeployment(tenantId: number): Promise<DeploymentRecord> {
    const [row] = await this.database.sql<DeploymentRecord>(
      `select ${deploymentColumns} from deployment where tenant_id = $1 and is_default`,
      [tenantId],
    );
    if (row === undefined) throw new Error(`Tenant ${tenantId} has no default deployment`);
    return row;
  }

  async createDeployment(tenantId: number, slug: string): Promise<DeploymentRecord | undefined> {
    const [row] = await this.database.sql<DeploymentRecord>(
      `insert into deployment (slug, tenant_id) values ($1, $2) on conflict do nothing
       returning ${deploymentColumns}`,
      [slug, tenantId],
    );
    return row;
  }

  listDeployments(): Promise<readonly DeploymentRecord[]> {
    return this.database.sql<DeploymentRecord>(
      `select ${deploymentColumns} from deployment order by slug`,
      [],
    );
  }

  async release(deploymentId: number): Promise<Release> {
    const [row] = await this.database.sql<{ release: Release | null }>(
      "select release::json as release from deployment where id = $1",
      [deploymentId],
    );
    return row?.release ?? { models: [], warmup: null };
  }

  async setRelease(deploymentId: number, release: Release): Promise<void> {
    await this.database.sql("update deployment set release = $2 where id = $1", [
      deploymentId,
      JSON.stringify(release),
    ]);
  }

  async nodeCatalogue(deploymentId: number): Promise<NodeCatalogue | null> {
    const [row] = await this.database.sql<{ catalogue: NodeCatalogue | null }>(
      "select node_catalogue as catalogue from deployment where id = $1",
      [deploymentId],
    );
    return row?.catalogue ?? null;
  }
}

async function findTenant(runner: Runner, slug: string): Promise<{ id: number } | undefined> {
  const [row] = await runner.sql<{ id: number }>("select id from tenant where slug = $1", [slug]);
  return row;
}
