-- Records an instance unless the deployment has another number of them by now.
-- $1 id  $2 deployment  $3 platform  $4 instances expected
insert into instance (id, deployment_id, platform)
select $1, $2, $3
where (select count(*) from instance where deployment_id = $2 and gone_at is null) = $4
returning id
