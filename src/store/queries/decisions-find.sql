-- Rounds that gave a job to a worker ($1), or in which a worker took part ($2); latest first. $3 limit
select r.id, r.pool as "deploymentId", r.decided_at as "decidedAt", r.input, r.decisions
from (
  select round_id from decision where job_id = $1
  union all
  select round_id from decision where worker_id = $2
  order by round_id desc limit $3
) found join decision_round r on r.id = found.round_id
order by r.id desc
