-- What was paid for between $1 and $2: instances, and workers that no platform started. $3 limit
-- A worker is there until it is seen no more; one beside another shares that one's card.
select i.id, i.deployment_id as "deploymentId", coalesce(i.running_at, i.created_at) as "startedAt",
  i.gone_at as "endedAt",
  coalesce(i.price_micro_usd_per_hour, d.price_micro_usd_per_hour) as "priceMicroUsdPerHour"
from instance i join deployment d on d.id = i.deployment_id
where coalesce(i.running_at, i.created_at) < $2 and coalesce(i.gone_at, 'infinity') > $1
union all
select w.id, w.deployment_id, w.enrolled_at,
  case when w.state = 'gone' then w.last_seen_at end, d.price_micro_usd_per_hour
from worker w join deployment d on d.id = w.deployment_id
where w.instance_id is null and w.beside is null
  and w.enrolled_at < $2 and (w.state <> 'gone' or w.last_seen_at > $1)
order by "startedAt" limit $3
