-- Replaces the list of model files that a worker has; nothing is kept of a worker that has left.
-- $1 worker  $2 models  $3 bytes  $4 tiers  $5 pinned
with present as (
  select id from worker where id = $1 and state <> 'gone'
), told as (
  select * from unnest($2::text[], $3::bigint[], $4::text[], $5::boolean[])
    as t (model, bytes, tier, pinned)
), dropped as (
  delete from worker_resident r where r.worker_id = $1
    and not exists (select from told where told.model = r.model)
)
insert into worker_resident (worker_id, model, bytes, tier, pinned)
select present.id, told.model, told.bytes, told.tier, told.pinned from present, told
on conflict (worker_id, model) do update
set bytes = excluded.bytes, tier = excluded.tier, pinned = excluded.pinned
where (worker_resident.bytes, worker_resident.tier, worker_resident.pinned)
  is distinct from (excluded.bytes, excluded.tier, excluded.pinned)
