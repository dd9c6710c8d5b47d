-- Assets by id, those past their retention left out. $1 tenant  $2 ids
select a.id, a.tenant_id as "tenantId", b.hash, b.size_bytes as "sizeBytes",
  a.content_type as "contentType", a.file_path as "filePath", b.key as "blobKey",
  a.created_at as "createdAt", coalesce(a.expires_at, j.expires_at) as "expiresAt", a.job_id as "jobId"
from asset a join blob b on b.id = a.blob_id left join job j on j.id = a.job_id
where a.tenant_id = $1 and a.id = any($2::uuid[])
  and coalesce(a.expires_at, j.expires_at, 'infinity') > clock_timestamp()
