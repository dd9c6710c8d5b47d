-- Claims jobs for waiting workers, at most one a worker: for the slots of group 0 the first that need
-- no model, for the slots of other groups the best of the group's candidates that are still there.
-- $1 pool  $2 lease ms  $3 worker ids  $4 attempt ids  $5 groups of these slots
-- $6 candidates, group after group and the best first  $7 and $8 where in them each group begins and
-- ends  $9 slots of each group  $10 slots of group 0  $11 the key from which group 0 looks
-- The commit does not wait for the disk. A claim that a crash undoes was promised to nobody: the job
-- is still queued, and its worker's word no longer finds the attempt, whatever the epoch.
with relaxed as materialized (
  select set_config('synchronous_commit', 'off', true)
), first_ones as (
  select id, job_id from job_queue
  where pool = $1 and model_set = 0 and v >= $11::float8 and exists (select from relaxed)
  order by v, id limit $10 for update skip locked
), chosen as (
  select g.grp, p.id, p.job_id, p.place
  from unnest($7::int[], $8::int[], $9::int[]) with ordinality as g (first, last, slots, grp)
  cross join lateral (
    select q.id, q.job_id, w.place
    from unnest(($6::bigint[])[g.first:g.last]) with ordinality as w (id, place)
    join job_queue q on q.id = w.id and q.pool = $1
    where exists (select from relaxed)
    order by w.place limit g.slots for update of q skip locked
  ) p
), picked as (
  select 0 as grp, id, job_id, id as place from first_ones
  union all select grp, id, job_id, place from chosen
), numbered as (
  select id, job_id, grp, row_number() over (partition by grp order by place) as slot from picked
), unqueued as (
  delete from job_queue using picked where job_queue.id = picked.id
), slots as (
  select worker_id, attempt_id, grp, row_number() over (partition by grp order by n) as slot
  from unnest($3::uuid[], $4::uuid[], $5::int[]) with ordinality as s (worker_id, attempt_id, grp, n)
), claimed as (
  update job set state = 'running', epoch = epoch + 1, updated_at = clock_timestamp(),
    started_at = coalesce(started_at, clock_timestamp())
  from numbered join slots using (grp, slot)
  where job.id = numbered.job_id and job.state = 'queued'
  returning job.id, job.seq, job.tenant_id, job.deployment_id, job.epoch, job.deadline_at, job.v,
    job.v_cold, job.model_set, job.vram_class, job.vram_bytes, job.priority,
    job.out_of_memory_count, job.start_tag, slots.worker_id, slots.attempt_id
), leased as (
  insert into job_lease (job_id, epoch, worker_id, lease_until)
  select id, epoch, worker_id, clock_timestamp() + make_interval(secs => $2::float8 / 1000) from claimed
), tried as (
  insert into attempt (job_id, epoch, id, worker_id)
  select id, epoch, attempt_id, worker_id from claimed
)
select c.id as "jobId", c.seq as "queueId", c.tenant_id as "tenantId", c.epoch,
  c.attempt_id as "attemptId", c.worker_id as "workerId", p.workflow, p.inputs,
  p.sealed_extra_data as "sealedExtraData", c.v, c.v_cold as "vCold", c.model_set as "modelSet",
  c.vram_class as "vramClass", c.vram_bytes as "vramBytes", c.priority,
  case when c.out_of_memory_count > 0 then (
    select max(w.vram_bytes) from attempt a join worker w on w.id = a.worker_id
    where a.job_id = c.id and a.failure_class = 'out_of_memory'
  ) end as "ranOutBytes", c.start_tag as "startTag",
  least(d.execution_timeout_ms,
    greatest(1, extract(epoch from c.deadline_at - clock_timestamp()) * 1000))::bigint as "remainingMs"
from claimed c
join job_payload p on p.job_id = c.id
join deployment d on d.id = c.deployment_id
