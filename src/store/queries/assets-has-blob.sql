-- Whether the tenant has these bytes. $1 tenant  $2 hash
select exists (
  select from blob b join asset a on a.blob_id = b.id left join job j on j.id = a.job_id
  where b.tenant_id = $1 and b.hash = $2
    and coalesce(a.expires_at, j.expires_at, 'infinity') > clock_timestamp()
) as found
