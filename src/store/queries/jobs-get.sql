-- One job with its progress, outputs and place in the queue. $1 tenant  $2 job
-- A second of loading counts twice in v_cold.
select j.id, j.tenant_id as "tenantId", j.deployment_id as "deploymentId", d.slug as deployment,
  j.state, j.epoch, j.priority, j.submitted_at as "submittedAt", j.started_at as "startedAt",
  j.ended_at as "endedAt", j.updated_at as "updatedAt", j.expires_at as "expiresAt", j.failure,
  j.metadata, live.progress, tried.timings, coalesce(outputs.list, '[]') as outputs,
  ahead.count as "queuePosition", outlook.facts as outlook
from job j
join deployment d on d.id = j.deployment_id
left join job_live live on live.job_id = j.id and live.epoch = j.epoch
  and j.state in ('running', 'canceling')
left join attempt tried on tried.job_id = j.id and tried.epoch = j.epoch
left join lateral (
  select json_agg(json_build_object('assetId', o.asset_id, 'nodeId', o.node_id, 'name', o.name,
    'type', o.type, 'contentType', a.content_type, 'sizeBytes', b.size_bytes, 'hash', b.hash,
    'blobKey', b.key) order by o.position) as list
  from output o join asset a on a.id = o.asset_id join blob b on b.id = a.blob_id
  where o.job_id = j.id and o.epoch = j.epoch
) outputs on true
left join lateral (
  select case when count(*) <= 10000 then count(*) end as count from (
    select from job_queue mine, queue_sets(mine.pool) sets, lateral (
      select from job_queue q where q.pool = mine.pool and q.model_set = sets.model_set
        and (q.v, q.id) < (mine.v, mine.id)
    ) earlier
    where mine.id = j.seq limit 10001
  ) first_ones
) ahead on j.state = 'queued'
left join lateral (
  select json_build_object(
    'readyWorkers', (select count(*) from worker w
      where w.deployment_id = j.deployment_id and w.state = 'ready'),
    'meanRunMs', (select e.mean_ms from estimate e where e.pool = j.deployment_id and e.key = 'all'),
    'loadMs', round((j.v_cold - j.v) * 500)) as facts
) outlook on j.state = 'queued'
where j.id = $2 and j.tenant_id = $1 and j.expires_at > clock_timestamp()
