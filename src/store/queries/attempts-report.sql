-- Notes progress, preview and outputs stored so far. Returns no row for a superseded attempt.
-- $1 job  $2 epoch  $3 worker  $4 progress  $5 preview  $6 outputs
with current_job as (
  select job.id, job.tenant_id, job.state from job
  where job.id = $1 and job.state in ('running', 'canceling')
    and job.epoch = $2 -- fence: epoch
    and exists (select from attempt a where a.job_id = $1 and a.epoch = $2 and a.worker_id = $3)
), live as (
  insert into job_live (job_id, epoch, progress, preview)
  select id, $2, $4::jsonb, $5::jsonb from current_job
  where $4::jsonb is not null or $5::jsonb is not null
  on conflict (job_id) do update set epoch = excluded.epoch,
    progress = coalesce(excluded.progress, case when job_live.epoch = excluded.epoch then job_live.progress end),
    preview = coalesce(excluded.preview, case when job_live.epoch = excluded.epoch then job_live.preview end)
    where job_live.epoch <= excluded.epoch
), listed_before as (
  -- Told again, an output is recognised by its node, name and bytes, whatever its place in the list.
  select o.position, o.node_id, o.name, b.key
  from output o join asset a on a.id = o.asset_id join blob b on b.id = a.blob_id
  where o.job_id = $1 and o.epoch = $2
), files as (
  select f."nodeId", f.name, f.type, f."contentType", f.hash, f."sizeBytes", f.key, f."assetId",
    (select coalesce(max(position) + 1, 0) from listed_before)
      + row_number() over (order by f.position) - 1 as position
  from current_job,
    jsonb_to_recordset($6::jsonb) as f (position int, "nodeId" text, name text, type text,
      "contentType" text, hash text, "sizeBytes" bigint, key text, "assetId" uuid)
  where not exists (
    select from listed_before b where b.node_id = f."nodeId" and b.name = f.name and b.key = f.key
  )
), stored as (
  insert into blob (tenant_id, hash, key, size_bytes)
  select distinct on (f.key) j.tenant_id, f.hash, f.key, f."sizeBytes" from files f, current_job j
  on conflict (key) do update set key = excluded.key
  returning id, key
), minted as (
  insert into asset (id, tenant_id, blob_id, hash, content_type, file_path, job_id)
  select f."assetId", j.tenant_id, stored.id, f.hash, f."contentType", f.name, j.id
  from files f join stored using (key), current_job j
), listed as (
  insert into output (job_id, epoch, position, node_id, name, type, asset_id)
  select j.id, $2, f.position, f."nodeId", f.name, f.type, f."assetId" from files f, current_job j
)
select state from current_job
