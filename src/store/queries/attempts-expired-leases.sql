-- Attempts whose lease has run out, as candidates: nothing is locked, because every other statement
-- locks the job before its lease. $1 limit
select l.job_id as "jobId", l.epoch, l.worker_id as "workerId", w.name as "workerName",
  w.deployment_id as "deploymentId"
from job_lease l join worker w on w.id = l.worker_id
where l.lease_until < clock_timestamp()
order by l.lease_until limit $1
