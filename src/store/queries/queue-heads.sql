-- The first jobs of model sets, of VRAM classes and of the overdue lane, without locking any.
-- $1 pool  $2 tenants to leave out  $3 model sets, $4 VRAM bytes that may be used, $5 keys from
-- which to look, $6 limits of these sets  $7 VRAM classes, $8 bytes, $9 keys, $10 limits of these
-- $11 VRAM bytes and $12 limit of the overdue lane
-- The filters stand in a CASE because the planner takes it for even odds: told that few rows pass, it
-- would sort the whole queue instead of walking down the index to the limit.
select h.lane, h.id as "queueId", h.job_id as "jobId", h.tenant as "tenantId",
  h.model_set as "modelSet", h.vram_class as "vramClass", h.vram_bytes as "vramBytes", h.v,
  h.v_cold as "vCold", h.overdue_from as "overdueFrom",
  extract(epoch from h.enqueued_at)::float8 as "enqueuedAtSeconds", h.estimate_ms as "estimateMs",
  h.due, h.is_demoted as "isDemoted", extract(epoch from clock_timestamp())::float8 as "nowSeconds"
from (
  select 'resident' as lane, q.*
  from unnest($3::int[], $4::bigint[], $5::float8[], $6::int[]) as a (model_set, vram_bytes, from_v, n)
  cross join lateral (
    select * from job_queue
    where pool = $1 and model_set = a.model_set and v >= a.from_v
      and case when vram_bytes <= a.vram_bytes then tenant <> all ($2::int[]) else false end
    order by v, id limit a.n
  ) q
  union all
  select 'cold', q.*
  from unnest($7::smallint[], $8::bigint[], $9::float8[], $10::int[]) as a (vram_class, vram_bytes, from_v, n)
  cross join lateral (
    select * from job_queue
    where pool = $1 and model_set > 0 and vram_class = a.vram_class and v_cold >= a.from_v
      and case when vram_bytes <= a.vram_bytes then tenant <> all ($2::int[]) else false end
    order by v_cold, id limit a.n
  ) q
  union all
  select 'overdue', q.* from (
    select * from job_queue
    where pool = $1 and overdue_from <= extract(epoch from statement_timestamp())::float8
      and case when vram_bytes <= $11 then tenant <> all ($2::int[]) else false end
    order by overdue_from, id limit $12
  ) q
) h
