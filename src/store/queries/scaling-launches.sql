-- Launches of the last hour, newest first. $1 deployments
select i.deployment_id as "deploymentId", i.platform, i.created_at as "createdAt",
  i.gone_at as "goneAt", exists (
    select from worker w where w.instance_id = i.id and w.kind is not null
  ) as "wasReady"
from instance i
where i.deployment_id = any($1::int[]) and i.created_at > clock_timestamp() - interval '1 hour'
order by i.created_at desc limit 2000
