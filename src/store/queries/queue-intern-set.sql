-- The number of a model set, found or given. $1 hash  $2 keys
with given as (
  insert into model_set (hash, keys)
  select $1, $2 where not exists (select from model_set where hash = $1)
  on conflict (hash) do nothing
  returning id
)
select id from given union all select id from model_set where hash = $1 limit 1
