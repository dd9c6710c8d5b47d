-- Tenants with their limits, what they used today and what is shared with them.
select t.id, t.slug, t.max_queued as "maxQueued", t.max_running as "maxRunning",
  t.max_gpu_ms_a_day as "maxGpuMsADay", t.default_priority as "defaultPriority",
  coalesce(u.gpu_ms, 0) as "gpuMsToday",
  coalesce(shares.list, '[]') as shares
from tenant t
left join tenant_usage u on u.tenant_id = t.id and u.day = (clock_timestamp() at time zone 'UTC')::date
left join lateral (
  select json_agg(json_build_object('deployment', d.slug, 'weight', coalesce(c.weight, 1))
    order by d.slug) as list
  from deployment_share s join deployment d on d.id = s.deployment_id
  left join tenant_clock c on c.pool = d.id and c.tenant_id = t.id
  where s.tenant_id = t.id
) shares on true
order by t.slug
