import type {
  ControlStore,
  InstanceHardware,
  InstanceRecord,
  InstanceState,
  ReapedJob,
  SweepReport,
} from "../control.ts";
import { failAttempt } from "./attempt-end.ts";
import type { Database, Runner } from "./database.ts";

interface ExpiredLease {
  readonly jobId: string;
  readonly epoch: number;
  readonly workerId: string;
  readonly workerName: string;
  readonly deploymentId: number;
}

/** What the control loops need. */
export class PostgresControl implements ControlStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async reapExpiredLeases(limit: number): Promise<readonly ReapedJob[]> {
    const reaped: ReapedJob[] = [];
    const expired = await this.database.run<ExpiredLease>("attempts-expired-leases", [limit]);
    for (const lease of expired) {
      const job = await this.database.transaction((runner) => reap(runner, lease));
      if (job !== undefined) reaped.push(job);
    }
    return reaped;
  }

  async databaseUptimeMs(): Promise<number> {
    const [row] = await this.database.sql<{ ms: number }>(
      `select (extract(epoch from clock_timestamp() - pg_postmaster_start_time()) * 1000)::float8
       as ms`,
      [],
    );
    return row?.ms ?? 0;
  }

  async expireOverdueJobs(limit: number): Promise<readonly string[]> {
    const failure = {
      code: "deadline_exceeded",
      message: "No worker could start the job before its deadline",
      nodeId: null,
      classType: null,
      traceback: null,
    };
    const rows = await this.database.run<{ id: string }>("control-expire-overdue", [
      JSON.stringify(failure),
      limit,
    ]);
    return rows.map((row) => row.id);
  }

  async sweep(limit: number): Promise<SweepReport> {
    const jobs = await this.database.run("control-sweep-jobs", [limit]);
    const assets = await this.database.run("control-sweep-assets", [limit]);
    await this.database.sql("delete from idempotency where expires_at < clock_timestamp()", []);
    await this.database.run("control-trash-blobs", [limit]);
    const due = await this.database.run<{ key: string }>("control-due-trash", [limit]);
    const keys = due.map((row) => row.key);
    return {
      deletedJobs: jobs.length,
      deletedAssets: assets.length,
      orphanKeys: keys.filter((key) => !key.endsWith("/")),
      orphanPrefixes: keys.filter((key) => key.endsWith("/")),
    };
  }

  async forgetBlobs(keys: readonly string[]): Promise<void> {
    await this.database.run("control-forget-blobs", [keys]);
  }

  async knownBlobKeys(keys: readonly string[]): Promise<readonly string[]> {
    const rows = await this.database.sql<{ key: string }>(
      "select key from blob where key = any($1::text[])",
      [keys],
    );
    return rows.map((row) => row.key);
  }

  async createInstance(instance: {
    readonly id: string;
    readonly deploymentId: number;
    readonly platform: string;
  }): Promise<void> {
    await this.database.sql(
      "insert into instance (id, deployment_id, platform) values ($1, $2, $3)",
      [instance.id, instance.deploymentId, instance.platform],
    );
  }

  async updateInstance(id: string, state: InstanceState, externalId: string | null): Promise<void> {
    await this.database.sql(
      `update instance set state = $2, external_id = coalesce($3, external_id),
         running_at = case when $2 = 'running' then coalesce(running_at, clock_timestamp())
           else running_at end,
         gone_at = case when $2 = 'gone' then clock_timestamp() end
       where id = $1 and state <> 'gone'`,
      [id, state, externalId],
    );
  }

  listInstances(platform: string): Promise<readonly InstanceRecord[]> {
    return this.database.sql<InstanceRecord>(
      `select id, deployment_id as "deploymentId", platform, external_id as "externalId", state,
         created_at as "createdAt", hardware
       from instance where platform = $1 and gone_at is null order by created_at`,
      [platform],
    );
  }

  async noteHardware(id: string, hardware: InstanceHardware): Promise<void> {
    await this.database.sql("update instance set hardware = $2 where id = $1", [
      id,
      JSON.stringify(hardware),
    ]);
  }

  async retireInstance(id: string): Promise<void> {
    await this.database.sql("delete from enrollment where instance_id = $1 and used_at is null", [
      id,
    ]);
    await this.database.run("workers-gone", [null, id]);
    await this.updateInstance(id, "gone", null);
  }
}

async function reap(runner: Runner, lease: ExpiredLease): Promise<ReapedJob | undefined> {
  const { jobId, epoch, workerId, workerName, deploymentId } = lease;
  if (!(await lockExpired(runner, lease))) return undefined;
  const failure = {
    code: "worker_lost",
    message: `Worker ${workerName} fell silent while it ran the job`,
    nodeId: null,
    classType: null,
    traceback: null,
  };
  const ended = await failAttempt(
    runner,
    { jobId, epoch, workerId },
    { failureClass: "worker_death", failure },
    "lost",
    { log: null, timings: {} },
  );
  return ended === undefined ? undefined : { jobId, epoch, deploymentId, ...ended };
}

/** Locks the job, then its lease; false where the lease was renewed or given up meanwhile. */
async function lockExpired(runner: Runner, lease: ExpiredLease): Promise<boolean> {
  await runner.sql("select from job where id = $1 for update", [lease.jobId]);
  const rows = await runner.sql(
    `select from job_lease where job_id = $1 and epoch = $2 and lease_until < clock_timestamp()
     for update`,
    [lease.jobId, lease.epoch],
  );
  return rows.length > 0;
}
