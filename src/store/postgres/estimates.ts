import type {
  ClockCorrection,
  EstimateRecord,
  EstimateSample,
  EstimateStore,
  ObservedRun,
} from "../estimates.ts";
import type { Database, Runner } from "./database.ts";

interface EstimateRow extends EstimateRecord {
  readonly key: string;
}

/** Run times and what they correct. */
export class PostgresEstimates implements EstimateStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async find(
    deploymentId: number,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, EstimateRecord>> {
    const rows = await this.database.run<EstimateRow>("estimates-find", [deploymentId, keys]);
    return byKey(rows);
  }

  observed(
    attempts: readonly { readonly jobId: string; readonly epoch: number }[],
  ): Promise<readonly ObservedRun[]> {
    return this.database.run<ObservedRun>("estimates-observed", [
      attempts.map((attempt) => attempt.jobId),
      attempts.map((attempt) => attempt.epoch),
    ]);
  }

  async learn(
    samples: readonly EstimateSample[],
    fold: (known: EstimateRecord | undefined, seconds: number) => EstimateRecord,
  ): Promise<void> {
    const pools = [...new Set(samples.map((sample) => sample.deploymentId))].sort(ascending);
    for (const deploymentId of pools) {
      const own = samples.filter((sample) => sample.deploymentId === deploymentId);
      await this.database.transaction((runner) => learnPool(runner, deploymentId, own, fold));
    }
  }

  async correctClocks(corrections: readonly ClockCorrection[]): Promise<void> {
    await this.database.sql(
      `update tenant_clock set finish_tag = finish_tag + told.seconds
       from unnest($1::int[], $2::int[], $3::float8[]) as told (pool, tenant_id, seconds)
       where tenant_clock.pool = told.pool and tenant_clock.tenant_id = told.tenant_id`,
      [
        corrections.map((each) => each.deploymentId),
        corrections.map((each) => each.tenantId),
        corrections.map((each) => each.seconds),
      ],
    );
  }

  async addUsage(
    usage: readonly { readonly tenantId: number; readonly gpuMs: number }[],
  ): Promise<void> {
    await this.database.sql(
      `insert into tenant_usage as used (tenant_id, day, gpu_ms)
       select tenant_id, (clock_timestamp() at time zone 'UTC')::date, round(sum(gpu_ms))
       from unnest($1::int[], $2::float8[]) as told (tenant_id, gpu_ms)
       group by tenant_id order by tenant_id
       on conflict (tenant_id, day) do update set gpu_ms = used.gpu_ms + excluded.gpu_ms`,
      [usage.map((each) => each.tenantId), usage.map((each) => each.gpuMs)],
    );
  }

  async sweep(limit: number): Promise<number> {
    const rows = await this.database.sql(
      `delete from estimate where (pool, key) in (
         select pool, key from estimate where updated_at < clock_timestamp() - interval '30 days'
         order by updated_at limit $1) returning key`,
      [limit],
    );
    return rows.length;
  }
}

/** Holds a lock for the pool, so that two gateways do not fold into the same old average. */
async function learnPool(
  runner: Runner,
  deploymentId: number,
  samples: readonly EstimateSample[],
  fold: (known: EstimateRecord | undefined, seconds: number) => EstimateRecord,
): Promise<void> {
  await runner.sql("select pg_advisory_xact_lock($1, $2)", [learningLock, deploymentId]);
  const keys = [...new Set(samples.map((sample) => sample.key))];
  const known = new Map(
    byKey(await runner.run<EstimateRow>("estimates-find", [deploymentId, keys])),
  );
  for (const { key, seconds } of samples) known.set(key, fold(known.get(key), seconds));
  const folded = keys.map((key) => known.get(key) ?? { meanSeconds: 0, samples: 1 });
  await runner.sql(
    `insert into estimate (pool, key, mean_ms, samples)
     select $1, * from unnest($2::text[], $3::float8[], $4::int[])
     on conflict (pool, key) do update set mean_ms = excluded.mean_ms, samples = excluded.samples,
       updated_at = clock_timestamp()`,
    [
      deploymentId,
      keys,
      folded.map((each) => each.meanSeconds * 1000),
      folded.map((each) => each.samples),
    ],
  );
}

/** The first half of an advisory lock's name; the second is the pool. */
const learningLock = 4_812_002;

function byKey(rows: readonly EstimateRow[]): ReadonlyMap<string, EstimateRecord> {
  return new Map(rows.map(({ key, ...record }) => [key, record]));
}

function ascending(left: number, right: number): number {
  return left - right;
}
