-- Records a decision and forgets those beyond the newest $4. $1 deployment  $2 snapshot  $3 decision
with recorded as (
  insert into scale_decision (deployment_id, snapshot, decision) values ($1, $2, $3)
)
delete from scale_decision where deployment_id = $1 and id <= (
  select id from scale_decision where deployment_id = $1 order by id desc offset $4 - 1 limit 1
)
