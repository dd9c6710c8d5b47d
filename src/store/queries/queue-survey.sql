-- What is queued in a pool, set by set, from the very first key on. $1 pool
-- $2 most jobs counted in a set
select s.model_set as id, m.keys, s.least_v as "leastKey", b.jobs, b.backlog_ms as "backlogMs"
from queue_sets($1) s
join model_set m on m.id = s.model_set
cross join lateral (
  select count(*)::int as jobs, coalesce(sum(estimate_ms), 0)::float8 as backlog_ms from (
    select estimate_ms from job_queue
    where pool = $1 and model_set = s.model_set and v >= s.least_v order by v, id limit $2
  ) first_ones
) b
