-- Workers leave; what they hold may be reaped at once. $1 worker id or null  $2 instance id or null
with left_workers as (
  update worker set state = 'gone', last_seen_at = clock_timestamp()
  where (id = $1 or instance_id = $2) and state <> 'gone' returning id
), forgotten as (
  delete from worker_resident using left_workers where worker_id = left_workers.id
)
update job_lease set lease_until = clock_timestamp() - interval '1 millisecond'
from left_workers where job_lease.worker_id = left_workers.id
