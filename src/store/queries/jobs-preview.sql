-- The latest preview of a running job. $1 tenant  $2 job
select live.preview from job j join job_live live on live.job_id = j.id and live.epoch = j.epoch
where j.id = $2 and j.tenant_id = $1 and j.state in ('running', 'canceling')
