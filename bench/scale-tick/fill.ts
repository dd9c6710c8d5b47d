import type { Client } from "pg";

export interface FleetSize {
  readonly deployments: number;
  /** Of each deployment. */
  readonly workers: number;
  /** Over all deployments. */
  readonly queued: number;
}

/** Deployments with workers of which most are busy, and a queue over fifty model sets. */
export async function fillFleet(client: Client, size: FleetSize): Promise<void> {
  const { deployments, workers, queued } = size;
  await client.query("insert into tenant (slug) values ('bench')");
  await client.query(
    `insert into deployment (slug, tenant_id) select 'd-' || n, (select id from tenant)
     from generate_series(1, $1) n`,
    [deployments],
  );
  await client.query(
    `insert into scaling (deployment_id, settings) select id, '{"maxWorkers": 200}' from deployment`,
  );
  await client.query(
    `insert into instance (id, deployment_id, platform, state)
     select gen_random_uuid(), d.id, 'cloud', 'running' from deployment d, generate_series(1, $1)`,
    [workers],
  );
  await client.query(
    `insert into worker (id, deployment_id, instance_id, name, token_hash, state, kind)
     select gen_random_uuid(), deployment_id, id, 'w', sha256(id::text::bytea), 'ready', 'engine'
     from instance`,
  );
  await client.query(
    `insert into model_set (hash, keys)
     select 'set ' || n, array['checkpoints/' || n] from generate_series(1, 50) n`,
  );
  await insertJobs(client, queued, "queued");
  await insertJobs(client, deployments * workers * 0.9, "running");
  await client.query(
    `insert into job_queue (id, job_id, pool, tenant, v, model_set, vram_class, v_cold, estimate_ms)
     select seq, id, deployment_id, tenant_id, v, model_set, 1, v + 22, estimate_ms
     from job where state = 'queued'`,
  );
  await client.query(
    `insert into attempt (job_id, epoch, id, worker_id)
     select j.id, 1, gen_random_uuid(), w.id
     from (select id, deployment_id, row_number() over (partition by deployment_id order by seq) n
       from job where state = 'running') j
     join (select id, deployment_id, row_number() over (partition by deployment_id order by id) n
       from worker) w using (deployment_id, n)`,
  );
  await client.query("vacuum analyze");
}

async function insertJobs(client: Client, count: number, state: string): Promise<void> {
  await client.query(
    `insert into job (id, tenant_id, deployment_id, state, epoch, started_at, priority, v, v_cold,
       start_tag, model_set, vram_bytes, vram_class, estimate_ms, deadline_at, expires_at, retention_ms)
     select gen_random_uuid(), d.tenant_id, d.id, $2, case $2 when 'running' then 1 else 0 end,
       case $2 when 'running' then clock_timestamp() end, 'normal', n, n + 22, n,
       (select min(id) from model_set where id > 1) + n % 50, 1e10, 1, 5000 + n % 20000,
       clock_timestamp() + interval '1 day', clock_timestamp() + interval '1 day', 86400000
     from generate_series(1, $1::int) n
     join (select *, row_number() over (order by id) - 1 as place, count(*) over () as all_of_them
       from deployment) d on d.place = n % d.all_of_them`,
    [Math.round(count), state],
  );
}
