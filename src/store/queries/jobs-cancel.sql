-- Asks for a cancel: a queued job ends at once, a running one becomes canceling.
-- The queue row is locked before the job, as a claim does. $1 tenant  $2 job
with gate as (
  select id from job_queue where job_id = $2 for update
), changed as (
  update job set updated_at = clock_timestamp(),
    state = case when state = 'queued' then 'canceled' else 'canceling' end,
    ended_at = case when state = 'queued' then clock_timestamp() end,
    expires_at = case when state = 'queued'
      then clock_timestamp() + make_interval(secs => retention_ms / 1000.0) else expires_at end
  from (select count(*) from gate) as locked
  where job.id = $2 and tenant_id = $1 and state in ('queued', 'running')
  returning job.id, seq, epoch, state
), unqueued as (
  delete from job_queue using changed where job_queue.id = changed.seq
), ended as (
  select id, epoch from changed where state = 'canceled'
), unsealed as (
  update job_payload set sealed_extra_data = null from ended
  where job_payload.job_id = ended.id and sealed_extra_data is not null
), released_inputs as (
  delete from job_input using ended where job_input.job_id = ended.id
), announced as (
  insert into outbox (job_id, epoch, event) select id, epoch, 'job.canceled' from ended
)
select job.id from job where job.id = $2 and tenant_id = $1 and expires_at > clock_timestamp()
