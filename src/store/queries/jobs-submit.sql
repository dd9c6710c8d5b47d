-- Records a job with everything that belongs to it. Returns no row when the idempotency key
-- was used before. $1 id  $2 tenant  $3 deployment  $4 priority  $5 delay in seconds
-- $6 deadline ms  $7 retention ms  $8 metadata  $9 workflow  $10 inputs  $11 sealed extra data
-- $12 idempotency key  $13 ids of the assets used  $14 start tag, or null for the time of submit
-- $15 fingerprint  $16 model set  $17 size class  $18 VRAM bytes  $19 VRAM class  $20 estimate ms
-- $21 load penalty in seconds  $22 overdue after seconds  $23 wished for within ms, or null
-- $24 a worker that waits for just such a job, or null  $25 the id of its attempt  $26 lease ms
-- $27 the key from which the queue is looked through for jobs that come before
-- Where there is such a worker and nobody comes before, the job is its own at once and never queued.
with claimed_key as (
  insert into idempotency (tenant_id, key, expires_at)
  select $2, $12::text, clock_timestamp() + interval '24 hours' where $12::text is not null
  on conflict (tenant_id, key) do update set expires_at = excluded.expires_at
    where idempotency.expires_at < clock_timestamp()
  returning key
), start as (
  select coalesce($14::float8, extract(epoch from clock_timestamp())::float8) as tag
), seat as (
  select $24::uuid as worker_id where $24::uuid is not null and not exists (
    select from job_queue where pool = $3 and model_set = 0 and v >= $27::float8
  )
), new_job as (
  insert into job (id, tenant_id, deployment_id, priority, v, deadline_at, expires_at, retention_ms,
    metadata, start_tag, v_cold, fingerprint, model_set, size_class, vram_bytes, vram_class,
    estimate_ms, overdue_from, due, state, epoch, started_at)
  select $1, $2, $3, $4, tag + $5::float8,
    clock_timestamp() + make_interval(secs => $6::float8 / 1000),
    clock_timestamp() + make_interval(secs => ($6::float8 + $7::float8) / 1000),
    $7, $8, tag, tag + $5::float8 + $21::float8, $15, $16, $17, $18, $19, $20,
    tag + $22::float8,
    extract(epoch from clock_timestamp()) + $23::float8 / 1000,
    case when worker_id is null then 'queued' else 'running' end,
    case when worker_id is null then 0 else 1 end,
    case when worker_id is not null then clock_timestamp() end
  from start left join seat on true
  where $12::text is null or exists (select from claimed_key)
  returning *
), new_payload as (
  insert into job_payload (job_id, workflow, inputs, sealed_extra_data)
  select id, $9, $10, $11 from new_job
), new_inputs as (
  insert into job_input (job_id, asset_id)
  select new_job.id, used.asset_id from new_job, unnest($13::uuid[]) as used (asset_id)
), new_lease as (
  insert into job_lease (job_id, epoch, worker_id, lease_until)
  select id, epoch, worker_id, clock_timestamp() + make_interval(secs => $26::float8 / 1000)
  from new_job, seat
), new_attempt as (
  insert into attempt (job_id, epoch, id, worker_id)
  select id, epoch, $25::uuid, worker_id from new_job, seat
), queued as (
  insert into job_queue (id, job_id, pool, tenant, v, v_cold, model_set, vram_bytes, vram_class,
    estimate_ms, overdue_from, due)
  select seq, id, deployment_id, tenant_id, v, v_cold, model_set, vram_bytes, vram_class,
    estimate_ms, overdue_from, due
  from new_job where state = 'queued'
)
select j.v, j.v_cold as "vCold", j.seq as "queueId", j.epoch, j.start_tag as "startTag",
  least(d.execution_timeout_ms, $6::bigint) as "remainingMs"
from new_job j join deployment d on d.id = j.deployment_id
