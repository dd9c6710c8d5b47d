-- Hours that begin in [$1, $2). $3 deployment or null  $4 tenant or null
select u.deployment_id as "deploymentId", u.hour, u.model_set as "modelSet", u.summary,
  d.slug as deployment, t.slug as tenant, coalesce(m.keys, '{}') as models
from usage_hour u
join deployment d on d.id = u.deployment_id
join tenant t on t.id = d.tenant_id
left join model_set m on m.id = u.model_set
where u.hour >= $1 and u.hour < $2 and ($3::int is null or u.deployment_id = $3)
  and ($4::int is null or d.tenant_id = $4)
order by u.hour, d.slug, u.model_set
