-- Mints a record over new bytes ($7 key, $8 size) or bytes the tenant has, or returns the standing
-- record of the same tenant, hash and path with its retention extended. No row: key used before,
-- or no bytes; "keyReused" tells which in assets-mint's caller by a second look.
-- $1 id  $2 tenant  $3 hash  $4 content type  $5 path  $6 tags  $9 retention ms  $10 idempotency key
with claimed_key as (
  insert into idempotency (tenant_id, key, expires_at)
  select $2, $10::text, clock_timestamp() + interval '24 hours' where $10::text is not null
  on conflict (tenant_id, key) do update set expires_at = excluded.expires_at
    where idempotency.expires_at < clock_timestamp()
  returning key
), go as (
  select where $10::text is null or exists (select from claimed_key)
), known as (
  select id, key from blob where tenant_id = $2 and hash = $3 order by id limit 1 for share
), added as (
  insert into blob (tenant_id, hash, key, size_bytes)
  select $2, $3, $7::text, $8::bigint from go where $7::text is not null and not exists (select from known)
  returning id, key
), chosen as (
  select id, key, false as is_new from known union all select id, key, true from added
), minted as (
  insert into asset (id, tenant_id, blob_id, hash, content_type, file_path, tags, expires_at)
  select $1, $2, chosen.id, $3, $4, $5::text, $6::text[],
    clock_timestamp() + make_interval(secs => $9::float8 / 1000)
  from chosen, go
  on conflict (tenant_id, hash, coalesce(file_path, '')) where job_id is null do update set
    expires_at = case when asset.expires_at is null or excluded.expires_at is null then null
      else greatest(asset.expires_at, excluded.expires_at) end
  returning *
)
select minted.id, minted.tenant_id as "tenantId", minted.hash, b.size_bytes as "sizeBytes",
  minted.content_type as "contentType", minted.file_path as "filePath", b.key as "blobKey",
  minted.created_at as "createdAt", minted.expires_at as "expiresAt", minted.job_id as "jobId",
  chosen.is_new as "isNewBlob"
from minted
join chosen on true
left join lateral (
  select coalesce(known_blob.size_bytes, $8::bigint) as size_bytes, coalesce(known_blob.key, $7::text) as key
  from (select) one left join blob known_blob on known_blob.id = minted.blob_id
) b on true
