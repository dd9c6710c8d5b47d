-- Attempts that ran between $1 and $2 or ended in the hour before. $3 limit
-- Running and ended ones are looked up by an index each.
with found as (
  select * from attempt where ended_at is null and claimed_at < $2
  union all
  select * from attempt where ended_at > $1::timestamptz - interval '1 hour' and claimed_at < $2
)
select a.job_id as "jobId", a.epoch, coalesce(w.instance_id, w.beside, w.id) as "unitId",
  j.deployment_id as "deploymentId", j.model_set as "modelSet", j.submitted_at as "submittedAt",
  (select p.ended_at from attempt p where p.job_id = a.job_id and p.epoch = a.epoch - 1)
    as "requeuedAt",
  a.claimed_at as "claimedAt", a.ended_at as "endedAt", a.state, a.failure_class as "failureClass",
  a.timings, a.peak_vram_bytes as "peakVramBytes"
from found a join worker w on w.id = a.worker_id join job j on j.id = a.job_id
order by a.claimed_at limit $3
