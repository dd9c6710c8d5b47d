-- Queues a running job again under its old key and ends the attempt.
-- The caller holds the job's lock, which attempts-lock gave it for this epoch only.
-- $1 job  $2 epoch  $3 attempt state  $4 failure class  $5 failure
-- $6..$9 counts: out of memory, transient, preempted, worker deaths  $10 log  $11 log truncated
with again as (
  update job set state = 'queued', updated_at = clock_timestamp(), out_of_memory_count = $6,
    transient_count = $7, preempted_count = $8, worker_death_count = $9
  where id = $1 and state = 'running'
  returning id, seq, tenant_id, deployment_id, v
), unleased as (
  delete from job_lease using again where job_lease.job_id = again.id
), ended as (
  update attempt set state = $3, ended_at = clock_timestamp(), failure_class = $4, failure = $5,
    log = $10, log_truncated = $11
  from again where attempt.job_id = again.id and attempt.epoch = $2
)
insert into job_queue (id, job_id, pool, tenant, v)
select seq, id, deployment_id, tenant_id, v from again
returning id
