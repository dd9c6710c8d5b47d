-- Instances that are not gone with their workers, and workers that nobody launched. $1 deployments
select coalesce(i.deployment_id, w.deployment_id) as "deploymentId", i.id as "instanceId",
  i.platform, i.state, coalesce(i.created_at, w.enrolled_at) as "createdAt",
  w.id as "workerId", w.state as "workerState", a.claimed_at as "claimedAt",
  a.estimate_ms::int as "estimateMs", a.model_set as "modelSet"
from (select * from instance where gone_at is null and deployment_id = any($1::int[])) i
full join (
  select * from worker where state <> 'gone' and deployment_id = any($1::int[])
) w on w.instance_id = i.id
left join lateral (
  select min(a.claimed_at) as claimed_at, sum(j.estimate_ms) as estimate_ms,
    max(j.model_set) as model_set
  from attempt a join job j on j.id = a.job_id
  where a.worker_id = w.id and a.ended_at is null
) a on true
order by 5, 2, 6
