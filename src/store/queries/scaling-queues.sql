-- What waits in deployments: a bounded count, and the first jobs over their first model sets.
-- $1 deployments
select d.id as "deploymentId",
  (select count(*) from (select from job_queue where pool = d.id limit 1000) counted)::int as queued,
  (
    select coalesce(json_agg(json_build_array(h.model_set, h.estimate_ms) order by h.v), '[]')
    from (
      select q.model_set, q.estimate_ms, q.v
      from (select model_set from queue_sets(d.id) order by least_v limit 16) s
      cross join lateral (
        select model_set, estimate_ms, v from job_queue
        where pool = d.id and model_set = s.model_set order by v, id limit 200
      ) q
      order by q.v limit 200
    ) h
  ) as head
from unnest($1::int[]) d (id)
