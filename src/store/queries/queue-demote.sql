-- Moves jobs that can no longer be in time to the end of their class, once. $1 pool  $2 places in
-- the queue  $3 seconds later than before
with moved as (
  delete from job_queue where pool = $1 and id = any ($2::bigint[]) and due is not null and not is_demoted
  returning *
), marked as (
  update job set is_demoted = true, v = job.v + $3::float8, v_cold = job.v_cold + $3::float8
  from moved where job.id = moved.job_id
)
insert into job_queue (id, job_id, pool, tenant, v, v_cold, model_set, vram_bytes, vram_class,
  estimate_ms, enqueued_at, overdue_from, due, is_demoted)
select id, job_id, pool, tenant, v + $3::float8, v_cold + $3::float8, model_set, vram_bytes, vram_class,
  estimate_ms, enqueued_at, overdue_from, due, true
from moved
returning id
