-- The workflows of the jobs that come next. $1 deployment  $2 how many
select p.workflow from (
  select job_id, v, id from job_queue where pool = $1 order by v, id limit $2
) heads join job_payload p on p.job_id = heads.job_id
order by heads.v, heads.id
