-- Ends a job that will not be tried again: failed or canceled.
-- The caller holds the job's lock, which attempts-lock gave it for this epoch only.
-- $1 job  $2 epoch  $3 job state  $4 job failure  $5 attempt state  $6 failure class
-- $7..$10 counts: out of memory, transient, preempted, worker deaths  $11 log  $12 log truncated
-- $13 timings  $14 failure of the attempt
with done as (
  update job set state = $3, failure = $4, ended_at = clock_timestamp(),
    updated_at = clock_timestamp(), out_of_memory_count = $7, transient_count = $8,
    preempted_count = $9, worker_death_count = $10,
    expires_at = clock_timestamp() + make_interval(secs => retention_ms / 1000.0)
  where id = $1 and state in ('running', 'canceling')
  returning id, epoch
), unleased as (
  delete from job_lease using done where job_lease.job_id = done.id
), unsealed as (
  update job_payload set sealed_extra_data = null from done
  where job_payload.job_id = done.id and sealed_extra_data is not null
), released_inputs as (
  delete from job_input using done where job_input.job_id = done.id
), ended as (
  update attempt set state = $5, ended_at = clock_timestamp(), failure_class = $6, failure = $14,
    log = $11, log_truncated = $12, timings = $13
  from done where attempt.job_id = done.id and attempt.epoch = $2
), trashed as (
  insert into blob_trash (key, not_before)
  select 'jobs/' || id || '/', clock_timestamp() + interval '1 hour' from done where $2 > 1
  on conflict (key) do nothing
), announced as (
  insert into outbox (job_id, epoch, event) select id, epoch, 'job.' || $3 from done
)
select id from done
