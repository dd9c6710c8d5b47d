-- The workflow as it was sent. $1 tenant  $2 job
select p.workflow from job j join job_payload p on p.job_id = j.id
where j.id = $2 and j.tenant_id = $1 and j.expires_at > clock_timestamp()
