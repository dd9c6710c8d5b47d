-- Workers that have not left, by token ($1), by deployment ($2), or all.
select w.id, d.tenant_id as "tenantId", w.deployment_id as "deploymentId", d.slug as deployment,
  w.instance_id as "instanceId", w.name, w.state, w.comfyui_version as "comfyuiVersion", w.kind,
  w.devices, w.memory, w.is_warm as "isWarm", w.enrolled_at as "enrolledAt", w.last_seen_at as "lastSeenAt"
from worker w join deployment d on d.id = w.deployment_id
where w.state <> 'gone' and ($1::bytea is null or w.token_hash = $1)
  and ($2::int is null or w.deployment_id = $2)
order by w.enrolled_at
