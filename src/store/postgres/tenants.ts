import type { TenantLimits, TenantLoad, TenantRecord, TenantStore } from "../tenants.ts";
import type { Database } from "./database.ts";

const limitColumns: Readonly<Record<keyof TenantLimits, string>> = {
  maxQueued: "max_queued",
  maxRunning: "max_running",
  maxGpuMsADay: "max_gpu_ms_a_day",
  defaultPriority: "default_priority",
};

/** What tenants may do, and what deployments they share. */
export class PostgresTenants implements TenantStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  list(): Promise<readonly TenantRecord[]> {
    return this.database.run<TenantRecord>("tenants-list", []);
  }

  async setLimits(tenantId: number, limits: Partial<TenantLimits>): Promise<void> {
    await this.database.transaction(async (runner) => {
      for (const name of Object.keys(limitColumns) as (keyof TenantLimits)[]) {
        const value = limits[name];
        if (value === undefined) continue;
        await runner.sql(`update tenant set ${limitColumns[name]} = $2 where id = $1`, [
          tenantId,
          value,
        ]);
      }
    });
  }

  async share(tenantId: number, deploymentId: number, weight: number): Promise<void> {
    await this.database.transaction(async (runner) => {
      await runner.sql(
        `insert into deployment_share (deployment_id, tenant_id) values ($1, $2)
         on conflict do nothing`,
        [deploymentId, tenantId],
      );
      await runner.sql(
        `insert into tenant_clock (pool, tenant_id, weight) values ($1, $2, $3)
         on conflict (pool, tenant_id) do update set weight = excluded.weight`,
        [deploymentId, tenantId, weight],
      );
    });
  }

  async unshare(tenantId: number, deploymentId: number): Promise<boolean> {
    const rows = await this.database.sql(
      "delete from deployment_share where deployment_id = $1 and tenant_id = $2 returning tenant_id",
      [deploymentId, tenantId],
    );
    return rows.length > 0;
  }

  async load(tenantId: number): Promise<TenantLoad> {
    const [row] = await this.database.run<TenantLoad>("tenants-load", [tenantId]);
    if (row === undefined) throw new Error(`There is no tenant ${tenantId}`);
    return row;
  }

  async shareOf(
    tenantId: number,
    deploymentId: number,
  ): Promise<{ readonly weight: number; readonly activeWeight: number }> {
    const [row] = await this.database.sql<{ weight: number | null; activeWeight: number | null }>(
      `select max(weight) filter (where tenant_id = $1) as weight,
         sum(weight) filter (where finish_tag > extract(epoch from clock_timestamp())
           or tenant_id = $1) as "activeWeight"
       from tenant_clock where pool = $2`,
      [tenantId, deploymentId],
    );
    const weight = row?.weight ?? 1;
    return { weight, activeWeight: Math.max(weight, row?.activeWeight ?? 1) };
  }
}
