-- Forgets bytes that no record has needed for an hour and lists them for deletion. $1 limit
with orphans as (
  select b.id, b.key from blob b
  where not exists (select from asset a where a.blob_id = b.id)
    and b.created_at < clock_timestamp() - interval '1 hour'
  order by b.id limit $1 for update skip locked
), dropped as (
  delete from blob using orphans where blob.id = orphans.id
)
insert into blob_trash (key, not_before) select key, clock_timestamp() from orphans
on conflict (key) do nothing
