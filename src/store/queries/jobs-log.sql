-- The log of the latest attempt that has one. $1 tenant  $2 job
select a.log as text, a.log_truncated as truncated, a.ended_at as "capturedAt"
from job j
left join lateral (
  select log, log_truncated, ended_at from attempt
  where job_id = j.id and log is not null order by epoch desc limit 1
) a on true
where j.id = $2 and j.tenant_id = $1 and j.expires_at > clock_timestamp()
