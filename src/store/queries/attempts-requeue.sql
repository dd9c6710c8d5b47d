-- Queues a running job again under its old key and ends the attempt.
-- The caller holds the job's lock, which attempts-lock gave it for this epoch only.
-- $1 job  $2 epoch  $3 attempt state  $4 failure class  $5 failure
-- $6..$9 counts: out of memory, transient, preempted, worker deaths  $10 log  $11 log truncated
-- $12 VRAM bytes that it needs at least from now on  $13 their class
with again as (
  update job set state = 'queued', updated_at = clock_timestamp(), out_of_memory_count = $6,
    transient_count = $7, preempted_count = $8, worker_death_count = $9,
    vram_bytes = greatest(vram_bytes, $12::bigint), vram_class = greatest(vram_class, $13::smallint),
    model_set = case when $12::bigint > 0 then greatest(model_set, 1) else model_set end
  where id = $1 and state = 'running'
  returning *
), unleased as (
  delete from job_lease using again where job_lease.job_id = again.id
), ended as (
  update attempt set state = $3, ended_at = clock_timestamp(), failure_class = $4, failure = $5,
    log = $10, log_truncated = $11
  from again where attempt.job_id = again.id and attempt.epoch = $2
)
insert into job_queue (id, job_id, pool, tenant, v, v_cold, model_set, vram_bytes, vram_class,
  estimate_ms, enqueued_at, overdue_from, due, is_demoted)
select seq, id, deployment_id, tenant_id, v, v_cold, model_set, vram_bytes, vram_class,
  estimate_ms, submitted_at, overdue_from, due, is_demoted
from again
returning id
