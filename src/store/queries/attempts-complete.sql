-- Accepts the result of the current attempt, even one given up since, in one statement.
-- $1 job  $2 epoch  $3 worker  $4 outputs  $5 log  $6 log truncated  $7 timings
-- $8 peak of the card's memory in bytes, or null
-- The queue row is locked before the job, as a claim does, so that the two cannot deadlock.
with gate as (
  select id from job_queue where job_id = $1 for update
), done as (
  update job set state = 'succeeded', ended_at = clock_timestamp(), updated_at = clock_timestamp(),
    expires_at = clock_timestamp() + make_interval(secs => retention_ms / 1000.0)
  from (select count(*) from gate) as locked
  where job.id = $1 and state in ('queued', 'running', 'canceling')
    and epoch = $2 -- fence: epoch
    and exists (select from attempt a where a.job_id = $1 and a.epoch = $2 and a.worker_id = $3)
  returning job.id, seq, tenant_id
), unqueued as (
  delete from job_queue using done where job_queue.id = done.seq
), unleased as (
  delete from job_lease using done where job_lease.job_id = done.id
), unsealed as (
  update job_payload set sealed_extra_data = null from done
  where job_payload.job_id = done.id and sealed_extra_data is not null
), released_inputs as (
  delete from job_input using done where job_input.job_id = done.id
), ended as (
  update attempt set state = 'succeeded', ended_at = clock_timestamp(),
    log = $5, log_truncated = $6, timings = $7, peak_vram_bytes = $8
  from done where attempt.job_id = done.id and attempt.epoch = $2
), listed_before as (
  -- Told again, an output is recognised by its node, name and bytes, whatever its place in the list.
  select o.position, o.node_id, o.name, b.key
  from output o join asset a on a.id = o.asset_id join blob b on b.id = a.blob_id
  where o.job_id = $1 and o.epoch = $2
), files as (
  select f."nodeId", f.name, f.type, f."contentType", f.hash, f."sizeBytes", f.key, f."assetId",
    (select coalesce(max(position) + 1, 0) from listed_before)
      + row_number() over (order by f.position) - 1 as position
  from done,
    jsonb_to_recordset($4::jsonb) as f (position int, "nodeId" text, name text, type text,
      "contentType" text, hash text, "sizeBytes" bigint, key text, "assetId" uuid)
  where not exists (
    select from listed_before b where b.node_id = f."nodeId" and b.name = f.name and b.key = f.key
  )
), stored as (
  insert into blob (tenant_id, hash, key, size_bytes)
  select distinct on (f.key) done.tenant_id, f.hash, f.key, f."sizeBytes" from files f, done
  on conflict (key) do update set key = excluded.key
  returning id, key
), minted as (
  insert into asset (id, tenant_id, blob_id, hash, content_type, file_path, job_id)
  select f."assetId", done.tenant_id, stored.id, f.hash, f."contentType", f.name, done.id
  from files f join stored using (key), done
), listed as (
  insert into output (job_id, epoch, position, node_id, name, type, asset_id)
  select done.id, $2, f.position, f."nodeId", f.name, f.type, f."assetId" from files f, done
), trashed as (
  insert into blob_trash (key, not_before)
  select 'jobs/' || id || '/', clock_timestamp() + interval '1 hour' from done where $2 > 1
  on conflict (key) do nothing
), announced as (
  insert into outbox (job_id, epoch, event) select id, $2, 'job.succeeded' from done
)
select (select count(*) from files) as "newOutputs" from done
