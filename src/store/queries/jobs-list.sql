-- Jobs, newest first. $1 tenant  $2 deployment or null  $3 states or null  $4 metadata or null
-- $5 only ids below this, or null  $6 limit
select j.id, j.tenant_id as "tenantId", j.deployment_id as "deploymentId", d.slug as deployment,
  j.state, j.epoch, j.priority, j.submitted_at as "submittedAt", j.started_at as "startedAt",
  j.ended_at as "endedAt", j.updated_at as "updatedAt", j.expires_at as "expiresAt", j.failure,
  j.metadata
from job j join deployment d on d.id = j.deployment_id
where j.tenant_id = $1 and j.expires_at > clock_timestamp()
  and ($2::int is null or j.deployment_id = $2)
  and ($3::text[] is null or j.state = any($3))
  and ($4::jsonb is null or j.metadata @> $4)
  and ($5::uuid is null or j.id < $5)
order by j.id desc limit $6
