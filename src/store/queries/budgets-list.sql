-- Budgets with their standing in the present period, or the one of an owner.
-- $1 tenant or null  $2 deployment or null
select b.id, t.slug as tenant, d.slug as deployment, b.period, b.cap_micro_usd as "capMicroUsd",
  b.reserve_micro_usd as "reserveMicroUsd", b.alert_percents as "alertPercents",
  case when b.period_start < budget_period_start(b.period) then 0 else b.spent_micro_usd end
    as "spentMicroUsd",
  b.reserved_micro_usd as "reservedMicroUsd"
from budget b
left join tenant t on t.id = b.tenant_id
left join deployment d on d.id = b.deployment_id
where ($1::int is null or b.tenant_id = $1) and ($2::int is null or b.deployment_id = $2)
order by t.slug, d.slug
