-- Renews leases that still stand and says what each worker is to do.
-- $1 job ids  $2 epochs  $3 worker ids  $4 lease ms
with beats as (
  select job_id, epoch, worker_id, n
  from unnest($1::uuid[], $2::int[], $3::uuid[]) with ordinality as b (job_id, epoch, worker_id, n)
), renewed as (
  update job_lease set lease_until = clock_timestamp() + make_interval(secs => $4::float8 / 1000)
  from beats
  where job_lease.job_id = beats.job_id
    and job_lease.epoch = beats.epoch -- fence: epoch
    and job_lease.worker_id = beats.worker_id
)
select case
    when j.id is null or a.worker_id is null then 'stale'
    when j.epoch <> beats.epoch then 'stale' -- fence: epoch
    when j.state in ('queued', 'running') then 'continue'
    when j.state = 'canceling' then 'cancel'
    else 'stale'
  end as verdict
from beats
left join job j on j.id = beats.job_id
left join attempt a on a.job_id = beats.job_id and a.epoch = beats.epoch and a.worker_id = beats.worker_id
order by beats.n
