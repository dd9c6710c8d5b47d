-- Adds up what arrived since the bucket before last, so that late ends still count.
with counted as (
  select j.deployment_id, to_timestamp(floor(extract(epoch from j.submitted_at) / 600) * 600) as starts_at,
    j.tenant_id, j.model_set, left(coalesce(j.metadata ->> 'hearth.region', ''), 40) as region,
    count(*)::int as jobs,
    coalesce(sum(extract(epoch from j.ended_at - j.started_at) * 1000)
      filter (where j.state = 'succeeded'), 0)::bigint as run_ms
  from job j
  where j.submitted_at >= to_timestamp(floor(extract(epoch from clock_timestamp()) / 600) * 600 - 1200)
  group by 1, 2, 3, 4, 5
)
insert into arrival_bucket (deployment_id, starts_at, tenant_id, model_set, region, jobs, run_ms)
select * from counted
on conflict (deployment_id, starts_at, tenant_id, model_set, region)
do update set jobs = excluded.jobs, run_ms = greatest(arrival_bucket.run_ms, excluded.run_ms)
