-- What the order of the queue is made of: model sets, memory, estimates, shares and caps.

-- Sets of model files by small numbers. Rows are never deleted, so nothing refers to them by a
-- foreign key: its locks would meet on the few sets that everybody uses.
create table model_set (
  id integer generated always as identity (start with 2) primary key,
  hash text not null unique,
  keys text[] not null,
  constraint model_set_zero_is_empty check (id > 1 or cardinality(keys) = 0)
);
-- 0: no models and no need of video memory, so any worker will do. 1: no models, but memory.
insert into model_set (id, hash, keys) overriding system value values (0, '', '{}'), (1, 'memory', '{}');

alter table tenant
  -- Of jobs that do not say; null: normal.
  add column default_priority text check (default_priority in ('low', 'normal', 'high', 'critical')),
  add column max_queued integer check (max_queued > 0),
  add column max_running integer check (max_running > 0),
  add column max_gpu_ms_a_day bigint check (max_gpu_ms_a_day > 0);

alter table job
  add column fingerprint text,
  add column model_set integer not null default 0,
  add column size_class text not null default '',
  add column vram_bytes bigint not null default 0 check (vram_bytes >= 0),
  add column vram_class smallint not null default 0,
  -- Expected run time on a warm worker; 0: nothing is known.
  add column estimate_ms integer not null default 0 check (estimate_ms >= 0),
  -- The start tag, in seconds; v and v_cold are what the queue is ordered by.
  add column start_tag double precision not null default 0,
  add column v_cold double precision not null default 0,
  -- When it joins the overdue lane, on the clock of the tags.
  add column overdue_from double precision not null default 'infinity',
  -- Until when the caller wishes to have it, on the same clock; null: no wish.
  add column due double precision,
  -- It can no longer be in time and went to the end of its class, once.
  add column is_demoted boolean not null default false,
  add constraint job_without_models_fits_anywhere check (model_set > 0 or vram_bytes = 0),
  add constraint job_cold_is_no_earlier check (v_cold >= v or v_cold = 0),
  add constraint job_demoted_missed_a_wish check (not is_demoted or due is not null);

alter table job_queue
  add column model_set integer not null default 0,
  add column vram_class smallint not null default 0,
  add column vram_bytes bigint not null default 0,
  add column estimate_ms integer not null default 0,
  add column v_cold double precision not null default 0,
  add column overdue_from double precision not null default 'infinity',
  add column due double precision,
  add column is_demoted boolean not null default false;
-- The order of each set; within set 0 it is the order of jobs that any worker can run.
create index job_queue_by_set on job_queue (pool, model_set, v, id);
drop index job_queue_order;
create index job_queue_cold on job_queue (pool, vram_class, v_cold, id) where model_set > 0;
create index job_queue_overdue on job_queue (pool, overdue_from, id);

-- The model sets that are queued in a pool and the first key of each: leaps through the index from
-- one set to the next, so that it costs as much as there are sets, not jobs. At most 512.
create function queue_sets (of_pool integer) returns table (model_set integer, least_v double precision)
language sql stable as $$
  with recursive sets (model_set, v) as (
    (select q.model_set, q.v from job_queue q where q.pool = of_pool
      order by q.model_set, q.v, q.id limit 1)
    union all
    select n.model_set, n.v from sets cross join lateral (
      select q.model_set, q.v from job_queue q
      where q.pool = of_pool and q.model_set > sets.model_set
      order by q.model_set, q.v, q.id limit 1
    ) n
  )
  select model_set, v from sets limit 512
$$;

-- Deployments that other tenants may use too; fairness between tenants begins here.
create table deployment_share (
  deployment_id integer not null references deployment,
  tenant_id integer not null references tenant,
  primary key (deployment_id, tenant_id)
);

-- Where a tenant stands in a shared pool: its next start tag, and its weight.
create table tenant_clock (
  pool integer not null references deployment,
  tenant_id integer not null references tenant,
  weight double precision not null default 1 check (weight > 0),
  finish_tag double precision not null default 0,
  primary key (pool, tenant_id)
) with (fillfactor = 50);

-- The largest start tag claimed so far in a shared pool.
create table pool_clock (
  pool integer primary key references deployment,
  virtual_time double precision not null
) with (fillfactor = 50);

create table tenant_usage (
  tenant_id integer not null references tenant,
  day date not null,
  gpu_ms bigint not null check (gpu_ms >= 0),
  primary key (tenant_id, day)
) with (fillfactor = 50);

-- Run times learned on warm workers, by keys that scheduler/estimate.ts makes.
create table estimate (
  pool integer not null,
  key text not null,
  mean_ms double precision not null check (mean_ms >= 0),
  samples integer not null check (samples > 0),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (pool, key)
) with (fillfactor = 70);
create index estimate_age on estimate (updated_at);

-- What was decided and from what; kept for a while to answer why.
create table decision_round (
  id bigint generated always as identity primary key,
  pool integer not null,
  decided_at timestamptz not null default clock_timestamp(),
  input jsonb not null,
  decisions jsonb not null
);
create table decision (
  round_id bigint not null references decision_round on delete cascade,
  position integer not null,
  worker_id uuid not null,
  -- Null: the worker was left idle.
  job_id uuid,
  primary key (round_id, position)
);
create index decision_of_job on decision (job_id, round_id desc) where job_id is not null;
create index decision_of_worker on decision (worker_id, round_id desc);
