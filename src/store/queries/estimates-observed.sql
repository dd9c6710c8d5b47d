-- What attempts that succeeded say about run times. $1 job ids  $2 epochs
select j.id as "jobId", a.epoch, j.deployment_id as "deploymentId", j.tenant_id as "tenantId",
  j.fingerprint, j.model_set as "modelSet", j.size_class as "sizeClass",
  coalesce(w.devices -> 0 ->> 'name', 'cpu') as gpu, j.estimate_ms as "estimateMs",
  (a.timings ->> 'executeMs')::float8 as "executeMs",
  (extract(epoch from a.ended_at - a.claimed_at) * 1000)::float8 as "busyMs",
  exists (select from deployment_share s where s.deployment_id = j.deployment_id) as "isShared"
from unnest($1::uuid[], $2::int[]) as told (job_id, epoch)
join attempt a on a.job_id = told.job_id and a.epoch = told.epoch
join job j on j.id = told.job_id
join worker w on w.id = a.worker_id
where a.state = 'succeeded' and a.timings ? 'executeMs'
