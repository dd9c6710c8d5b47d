-- Uses up an enrolment, unless it is a standing one, and records the worker. No row: unknown, used or too old. A worker shows
-- that its instance runs, and names it where its launch got no answer. Also says how long its instance took to run, and
-- from then until now; null where nobody launched it.
-- $1 enrolment token hash  $2 worker id  $3 name  $4 worker token hash  $5 instance's name or null
with used as (
  update enrollment set used_at = case when is_standing then null else clock_timestamp() end
  where token_hash = $1 and used_at is null and expires_at > clock_timestamp()
  returning deployment_id, instance_id
), introduced as (
  update instance set external_id = coalesce(external_id, $5), state = 'running',
    running_at = coalesce(running_at, clock_timestamp())
  from used where instance.id = used.instance_id and instance.state = 'launching'
)
insert into worker (id, deployment_id, instance_id, name, token_hash)
select $2, deployment_id, instance_id, $3, $4 from used
returning deployment_id as "deploymentId", (
  select json_build_object(
    'capacityMs', round(extract(epoch from coalesce(i.running_at, clock_timestamp()) - i.created_at) * 1000),
    'imageMs', round(extract(epoch from clock_timestamp() - coalesce(i.running_at, clock_timestamp())) * 1000))
  from used join instance i on i.id = used.instance_id
) as launch
