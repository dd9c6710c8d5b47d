-- Where a job stands in its queue, for the operator: of any tenant. $1 job
select j.id as "jobId", j.deployment_id as "deploymentId", j.state, j.priority, j.v,
  j.v_cold as "vCold", j.model_set as "modelSet", coalesce(m.keys, '{}') as models,
  j.vram_bytes as "vramBytes", j.estimate_ms as "estimateMs", j.due, j.is_demoted as "isDemoted"
from job j left join model_set m on m.id = j.model_set
where j.id = $1
