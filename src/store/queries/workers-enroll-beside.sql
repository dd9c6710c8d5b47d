-- Records a worker beside one of the same deployment and instance. No row: that one is unknown, has
-- left, or has as many beside it as may be.
-- $1 worker token hash  $2 worker id  $3 name  $4 token hash of the new worker  $5 most on a card
with beside as (
  select deployment_id, instance_id, id from worker where token_hash = $1 and state <> 'gone'
)
insert into worker (id, deployment_id, instance_id, name, token_hash, beside)
select $2, deployment_id, instance_id, $3, $4, id from beside
where (select count(*) from worker other where other.beside = beside.id and other.state <> 'gone') < $5 - 1
returning id
