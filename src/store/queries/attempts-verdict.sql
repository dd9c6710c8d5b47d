-- What the worker is to do with an attempt. $1 job  $2 epoch  $3 worker
select j.state from job j
where j.id = $1
  and j.epoch = $2 -- fence: epoch
  and exists (select from attempt a where a.job_id = $1 and a.epoch = $2 and a.worker_id = $3)
