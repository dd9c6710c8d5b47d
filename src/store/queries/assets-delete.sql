-- Deletes a record unless a job still needs it or made it. $1 tenant  $2 id
with target as (
  select a.id, a.job_id is not null or exists (select from job_input i where i.asset_id = a.id) as held
  from asset a where a.tenant_id = $1 and a.id = $2
    and coalesce(a.expires_at, 'infinity') > clock_timestamp()
  for update
), gone as (
  delete from asset using target where asset.id = target.id and not target.held
)
select held from target
