-- Of which kind an attempt's job is, and what card it ran on. A job that needs memory but no models
-- may stand under set 0 before and 1 after it ran out: both are one kind.
-- $1 job  $2 epoch  $3 worker
select j.deployment_id as "deploymentId", j.fingerprint, greatest(j.model_set, 1) as "modelSet",
  j.size_class as "sizeClass", w.vram_bytes as "cardBytes"
from attempt a join job j on j.id = a.job_id join worker w on w.id = a.worker_id
where a.job_id = $1 and a.epoch = $2 and a.worker_id = $3
  and j.fingerprint is not null and w.vram_bytes > 0
