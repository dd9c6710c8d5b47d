-- Deletes jobs past their retention; their outputs go with them. $1 limit
with old as (
  select id from job where ended_at is not null and expires_at < clock_timestamp()
  order by expires_at limit $1 for update skip locked
), dead_live as (
  delete from job_live using old where job_live.job_id = old.id
), trashed as (
  insert into blob_trash (key, not_before)
  select 'jobs/' || id || '/', clock_timestamp() + interval '1 hour' from old
  on conflict (key) do nothing
)
delete from job using old where job.id = old.id returning job.id
