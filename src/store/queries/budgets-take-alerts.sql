-- Alerts that nobody has announced yet; each is handed out once. $1 limit
with pending as (
  select budget_id, period_start, percent from budget_alert where announced_at is null
  order by raised_at limit $1 for update skip locked
)
update budget_alert a set announced_at = clock_timestamp()
from pending p, budget b
left join tenant t on t.id = b.tenant_id
left join deployment d on d.id = b.deployment_id
where a.budget_id = p.budget_id and a.period_start = p.period_start and a.percent = p.percent
  and b.id = a.budget_id
returning a.budget_id as "budgetId", t.slug as tenant, d.slug as deployment, a.percent,
  a.spent_micro_usd as "spentMicroUsd", a.cap_micro_usd as "capMicroUsd"
