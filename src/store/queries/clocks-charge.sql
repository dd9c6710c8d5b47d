-- Charges a tenant for a job in a shared pool and returns the job's start tag: now, unless the pool
-- is further ahead than a newcomer's credit, or the tenant is ahead.
-- $1 pool  $2 tenant  $3 seconds of its share that the job uses up  $4 seconds of credit
with relaxed as materialized (
  select set_config('synchronous_commit', 'off', true)
), start as (
  select greatest(extract(epoch from clock_timestamp())::float8, max(virtual_time) - $4::float8) as tag
  from relaxed left join pool_clock on pool = $1
)
insert into tenant_clock as clock (pool, tenant_id, finish_tag)
select $1, $2, start.tag + $3::float8 from start
on conflict (pool, tenant_id) do update set
  finish_tag = greatest(clock.finish_tag, excluded.finish_tag - $3::float8) + $3::float8
returning finish_tag - $3::float8 as tag
