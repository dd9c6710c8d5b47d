-- Model files of a deployment's workers that have not left. $1 deployment
select r.worker_id as "workerId", r.model, r.bytes, r.tier, r.pinned
from worker_resident r join worker w on w.id = r.worker_id
where w.deployment_id = $1 and w.state <> 'gone'
order by r.worker_id, r.model
