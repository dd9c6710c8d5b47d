-- Notes life signs; a worker that was given up for lost but still speaks is not revived.
-- Returns those that are to drain. $1 worker ids
with seen as (
  update worker set last_seen_at = clock_timestamp() where id = any($1::uuid[]) and state <> 'gone'
  returning id, state
)
select id from seen where state = 'draining'
union all
select id from worker where id = any($1::uuid[]) and state = 'gone'
