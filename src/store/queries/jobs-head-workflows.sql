-- The workflows of the jobs that come next. $1 deployment  $2 how many
select p.workflow from (
  select q.job_id, q.v, q.id from queue_sets($1) s cross join lateral (
    select job_id, v, id from job_queue
    where pool = $1 and model_set = s.model_set and v >= s.least_v order by v, id limit $2
  ) q
  order by q.v, q.id limit $2
) heads join job_payload p on p.job_id = heads.job_id
order by heads.v, heads.id
