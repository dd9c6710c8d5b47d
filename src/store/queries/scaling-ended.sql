-- Attempts that ended after $1, oldest first.
select j.deployment_id as "deploymentId", w.instance_id as "instanceId", j.model_set as "modelSet",
  j.submitted_at as "submittedAt", a.claimed_at as "claimedAt", a.ended_at as "endedAt",
  a.state = 'succeeded' as "isSuccess", (a.timings ->> 'stageMs')::float8 as "stageMs"
from attempt a join job j on j.id = a.job_id join worker w on w.id = a.worker_id
where a.ended_at > $1 and a.state in ('succeeded', 'failed')
order by a.ended_at limit 5000
