-- A tenant's limits and what it has used of them; queued jobs are counted up to the limit.
-- $1 tenant
select t.max_queued as "maxQueued", t.max_running as "maxRunning",
  t.max_gpu_ms_a_day as "maxGpuMsADay", t.default_priority as "defaultPriority",
  coalesce(u.gpu_ms, 0) as "gpuMsToday", waiting.queued
from tenant t
left join tenant_usage u on u.tenant_id = t.id and u.day = (clock_timestamp() at time zone 'UTC')::date
cross join lateral (
  select count(*)::int as queued from (
    select from deployment d join job_queue q on q.pool = d.id and q.tenant = t.id
    where (d.tenant_id = t.id
      or exists (select from deployment_share s where s.deployment_id = d.id and s.tenant_id = t.id))
    limit coalesce(t.max_queued, 0)
  ) first_ones
) waiting
where t.id = $1
