-- Deletes uploads past their retention that no unfinished job needs. $1 limit
with old as (
  select id from asset
  where expires_at < clock_timestamp() and not exists (select from job_input i where i.asset_id = asset.id)
  order by expires_at limit $1 for update skip locked
)
delete from asset using old where asset.id = old.id returning asset.id
