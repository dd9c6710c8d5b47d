-- Whether several tenants use a pool, and which of them run as many jobs as they may. $1 pool
select exists (select from deployment_share where deployment_id = $1) as "isShared",
  array(
    select t.id from tenant t
    where t.max_running is not null
      and (t.id = (select tenant_id from deployment where id = $1)
        or exists (select from deployment_share s where s.deployment_id = $1 and s.tenant_id = t.id))
      and t.max_running <= (
        select count(*) from job_lease l join job j on j.id = l.job_id where j.tenant_id = t.id
      )
    order by t.id
  ) as "cappedTenantIds"
