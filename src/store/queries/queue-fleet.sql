-- The workers of a pool that may claim, with what they are at. $1 pool
select w.id as "workerId", w.vram_bytes as "vramBytes", coalesce(w.devices -> 0 ->> 'name', 'cpu') as gpu,
  busy."busySinceSeconds", busy."freeAtSeconds", busy."modelSet"
from worker w
left join lateral (
  select extract(epoch from a.claimed_at)::float8 as "busySinceSeconds",
    extract(epoch from a.claimed_at)::float8 + j.estimate_ms / 1000.0 as "freeAtSeconds",
    j.model_set as "modelSet"
  from job_lease l
  join attempt a on a.job_id = l.job_id and a.epoch = l.epoch
  join job j on j.id = l.job_id
  where l.worker_id = w.id order by a.claimed_at desc limit 1
) busy on true
where w.deployment_id = $1 and w.state = 'ready'
order by w.id
