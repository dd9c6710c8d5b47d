-- The least cold key of each VRAM class, from the very first on. $1 pool
select c.vram_class as "vramClass", q.v_cold as "leastKey"
from generate_series(0, 7) as c (vram_class)
cross join lateral (
  select v_cold from job_queue
  where pool = $1 and model_set > 0 and vram_class = c.vram_class order by v_cold, id limit 1
) q
