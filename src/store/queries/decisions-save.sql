-- Keeps rounds of decisions. Worth little after a crash, so the commit does not wait for the disk.
-- $1 pools  $2 inputs  $3 decisions
with relaxed as materialized (
  select set_config('synchronous_commit', 'off', true)
), rounds as (
  insert into decision_round (pool, input, decisions)
  select pool, input, decisions
  from unnest($1::int[], $2::jsonb[], $3::jsonb[]) as told (pool, input, decisions)
  where exists (select from relaxed)
  returning id, decisions
)
insert into decision (round_id, position, worker_id, job_id)
select rounds.id, d.position, (d.value ->> 'workerId')::uuid, (d.value ->> 'claimedJobId')::uuid
from rounds, jsonb_array_elements(rounds.decisions) with ordinality as d (value, position)
