-- How deployments are scaled, what was decided and from what, and what has been asked of them.

-- A deployment without a row keeps the workers it was started with.
create table scaling (
  deployment_id integer primary key references deployment,
  settings jsonb not null check (jsonb_typeof(settings) = 'object'),
  -- What the policy has learned, so that the next leader need not learn it again.
  memory jsonb not null default '{}' check (jsonb_typeof(memory) = 'object'),
  updated_at timestamptz not null default clock_timestamp()
);

-- The newest of each deployment are kept.
create table scale_decision (
  id bigint generated always as identity primary key,
  deployment_id integer not null references deployment,
  decided_at timestamptz not null default clock_timestamp(),
  snapshot jsonb not null,
  decision jsonb not null
);
create index scale_decision_of_deployment on scale_decision (deployment_id, id desc);

-- What arrived in ten minutes, by who asked, for what and from where; outlives the jobs themselves.
create table arrival_bucket (
  deployment_id integer not null references deployment,
  starts_at timestamptz not null,
  tenant_id integer not null references tenant,
  model_set integer not null,
  region text not null,
  jobs integer not null check (jobs > 0),
  -- Run time of those that ended well; they may end in a later bucket.
  run_ms bigint not null check (run_ms >= 0),
  primary key (deployment_id, starts_at, tenant_id, model_set, region)
);
create index arrival_bucket_age on arrival_bucket (starts_at);

-- The tail of what ended is read every few seconds; a block range index costs the hot path nothing.
create index attempt_ended on attempt using brin (ended_at) with (autosummarize = on);
create index instance_recent on instance (deployment_id, created_at desc);
create index job_submitted on job using brin (submitted_at) with (autosummarize = on);
