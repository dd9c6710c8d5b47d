-- Locks the job of a live attempt and reads what its retry budget needs. No row: superseded.
-- $1 job  $2 epoch  $3 worker
select j.state, j.out_of_memory_count as "outOfMemory", j.transient_count as "transient",
  j.preempted_count as "preempted", j.worker_death_count as "workerDeaths",
  exists (
    select from worker larger
    where larger.deployment_id = j.deployment_id and larger.state = 'ready'
      and larger.vram_bytes > own.vram_bytes
  ) as "hasLargerWorker", own.vram_bytes as "cardBytes"
from job j join worker own on own.id = $3
where j.id = $1 and j.state in ('running', 'canceling')
  and j.epoch = $2 -- fence: epoch
  and exists (select from attempt a where a.job_id = $1 and a.epoch = $2 and a.worker_id = $3)
for update of j
