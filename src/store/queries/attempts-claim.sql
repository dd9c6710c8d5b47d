-- Claims the first queued jobs of a pool for waiting workers, at most one a worker.
-- $1 pool  $2 worker ids  $3 attempt ids  $4 lease ms  $5 number of slots
-- The commit does not wait for the disk. A claim that a crash undoes was promised to nobody: the job
-- is still queued, and its worker's word no longer finds the attempt, whatever the epoch.
with relaxed as materialized (
  select set_config('synchronous_commit', 'off', true)
), picked as (
  select id, job_id from job_queue where pool = $1 and exists (select from relaxed)
  order by v, id limit $5 for update skip locked
), numbered as (
  select id, job_id, row_number() over (order by id) as slot from picked
), unqueued as (
  delete from job_queue using picked where job_queue.id = picked.id
), slots as (
  select worker_id, attempt_id, slot
  from unnest($2::uuid[], $3::uuid[]) with ordinality as s (worker_id, attempt_id, slot)
), claimed as (
  update job set state = 'running', epoch = epoch + 1, updated_at = clock_timestamp(),
    started_at = coalesce(started_at, clock_timestamp())
  from numbered join slots using (slot)
  where job.id = numbered.job_id and job.state = 'queued'
  returning job.id, job.tenant_id, job.deployment_id, job.epoch, job.deadline_at,
    slots.worker_id, slots.attempt_id
), leased as (
  insert into job_lease (job_id, epoch, worker_id, lease_until)
  select id, epoch, worker_id, clock_timestamp() + make_interval(secs => $4::float8 / 1000) from claimed
), tried as (
  insert into attempt (job_id, epoch, id, worker_id)
  select id, epoch, attempt_id, worker_id from claimed
)
select c.id as "jobId", c.tenant_id as "tenantId", c.epoch, c.attempt_id as "attemptId",
  c.worker_id as "workerId", p.workflow, p.inputs, p.sealed_extra_data as "sealedExtraData",
  least(d.execution_timeout_ms,
    greatest(1, extract(epoch from c.deadline_at - clock_timestamp()) * 1000))::bigint as "remainingMs"
from claimed c
join job_payload p on p.job_id = c.id
join deployment d on d.id = c.deployment_id
