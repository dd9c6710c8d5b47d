-- Uses up an enrolment and records the worker. No row: unknown, used or too old.
-- $1 enrolment token hash  $2 worker id  $3 name  $4 worker token hash
with used as (
  update enrollment set used_at = clock_timestamp()
  where token_hash = $1 and used_at is null and expires_at > clock_timestamp()
  returning deployment_id, instance_id
)
insert into worker (id, deployment_id, instance_id, name, token_hash)
select $2, deployment_id, instance_id, $3, $4 from used
returning deployment_id as "deploymentId"
