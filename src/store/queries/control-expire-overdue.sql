-- Expires jobs past their deadline that no worker holds. $1 failure  $2 limit
with overdue as (
  select q.id, q.job_id from job_queue q join job j on j.id = q.job_id
  where j.deadline_at < clock_timestamp() and j.ended_at is null
  limit $2 for update of q skip locked
), ended as (
  update job set state = 'expired', failure = $1, ended_at = clock_timestamp(),
    updated_at = clock_timestamp(),
    expires_at = clock_timestamp() + make_interval(secs => retention_ms / 1000.0)
  from overdue where job.id = overdue.job_id and job.state = 'queued'
  returning job.id, job.seq, job.epoch
), unqueued as (
  delete from job_queue using ended where job_queue.id = ended.seq
), unsealed as (
  update job_payload set sealed_extra_data = null from ended where job_payload.job_id = ended.id
), released_inputs as (
  delete from job_input using ended where job_input.job_id = ended.id
), announced as (
  insert into outbox (job_id, epoch, event) select id, epoch, 'job.expired' from ended
)
select id from ended
