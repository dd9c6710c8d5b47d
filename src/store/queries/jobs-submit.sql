-- Records a job with everything that belongs to it. Returns no row when the idempotency key
-- was used before. $1 id  $2 tenant  $3 deployment  $4 priority  $5 class delay in seconds
-- $6 deadline ms  $7 retention ms  $8 metadata  $9 workflow  $10 inputs  $11 sealed extra data
-- $12 idempotency key  $13 ids of the assets used
with claimed_key as (
  insert into idempotency (tenant_id, key, expires_at)
  select $2, $12::text, clock_timestamp() + interval '24 hours' where $12::text is not null
  on conflict (tenant_id, key) do update set expires_at = excluded.expires_at
    where idempotency.expires_at < clock_timestamp()
  returning key
), new_job as (
  insert into job (id, tenant_id, deployment_id, priority, v, deadline_at, expires_at, retention_ms, metadata)
  select $1, $2, $3, $4, extract(epoch from clock_timestamp()) + $5::float8,
    clock_timestamp() + make_interval(secs => $6::float8 / 1000),
    clock_timestamp() + make_interval(secs => ($6::float8 + $7::float8) / 1000),
    $7, $8
  where $12::text is null or exists (select from claimed_key)
  returning id, seq, tenant_id, deployment_id, v
), new_payload as (
  insert into job_payload (job_id, workflow, inputs, sealed_extra_data)
  select id, $9, $10, $11 from new_job
), new_inputs as (
  insert into job_input (job_id, asset_id)
  select new_job.id, used.asset_id from new_job, unnest($13::uuid[]) as used (asset_id)
)
insert into job_queue (id, job_id, pool, tenant, v)
select seq, id, deployment_id, tenant_id, v from new_job
returning id
