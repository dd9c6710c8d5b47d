-- The newest upload under each path. $1 tenant  $2 paths
select distinct on (a.file_path) a.id, a.tenant_id as "tenantId", b.hash, b.size_bytes as "sizeBytes",
  a.content_type as "contentType", a.file_path as "filePath", b.key as "blobKey",
  a.created_at as "createdAt", a.expires_at as "expiresAt", a.job_id as "jobId"
from asset a join blob b on b.id = a.blob_id
where a.tenant_id = $1 and a.file_path = any($2::text[]) and a.job_id is null
  and coalesce(a.expires_at, 'infinity') > clock_timestamp()
order by a.file_path, a.created_at desc, a.id desc
