-- Tenants, access, jobs, attempts, workers, files.
-- The checks state what no code path may break; the queue table is narrow, insert-and-delete only.

create table tenant (
  id integer generated always as identity primary key,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  created_at timestamptz not null default clock_timestamp()
);

create table deployment (
  id integer generated always as identity primary key,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  tenant_id integer not null references tenant,
  is_default boolean not null default false,
  max_queued integer not null default 100000 check (max_queued > 0),
  deadline_ms bigint not null default 86400000 check (deadline_ms > 0),
  execution_timeout_ms bigint not null default 3600000 check (execution_timeout_ms > 0),
  retention_ms bigint not null default 604800000 check (retention_ms > 0),
  -- Node classes that its workers reported, by class name.
  node_catalogue jsonb,
  created_at timestamptz not null default clock_timestamp()
);
create unique index deployment_default on deployment (tenant_id) where is_default;

create table api_key (
  id text primary key,
  tenant_id integer not null references tenant,
  name text not null,
  scopes text[] not null check (scopes <@ array['run', 'read', 'admin'] and cardinality(scopes) > 0),
  secret_hash bytea not null check (octet_length(secret_hash) = 32),
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

create table job (
  id uuid primary key,
  seq bigint generated always as identity unique,
  tenant_id integer not null references tenant,
  deployment_id integer not null references deployment,
  state text not null default 'queued'
    check (state in ('queued', 'running', 'canceling', 'succeeded', 'failed', 'canceled', 'expired')),
  -- Only ever grows; every claim adds one. A worker's word counts only with the current epoch.
  epoch integer not null default 0 check (epoch >= 0),
  priority text not null check (priority in ('low', 'normal', 'high', 'critical')),
  -- The static queue key, in seconds; kept across retries.
  v double precision not null,
  submitted_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz,
  updated_at timestamptz not null default clock_timestamp(),
  deadline_at timestamptz not null,
  expires_at timestamptz not null,
  retention_ms bigint not null,
  failure jsonb,
  metadata jsonb not null default '{}',
  out_of_memory_count smallint not null default 0,
  transient_count smallint not null default 0,
  preempted_count smallint not null default 0,
  worker_death_count smallint not null default 0,
  constraint job_ended_iff_terminal
    check ((state in ('succeeded', 'failed', 'canceled', 'expired')) = (ended_at is not null)),
  constraint job_failure_iff_failed
    check ((state in ('failed', 'expired')) = (failure is not null)),
  constraint job_started_once_claimed check ((epoch > 0) = (started_at is not null)),
  constraint job_running_has_epoch check (state not in ('running', 'canceling') or epoch > 0)
);
create index job_list on job (tenant_id, id desc);
create index job_list_of_deployment on job (deployment_id, id desc);
create index job_metadata on job using gin (metadata jsonb_path_ops);
create index job_retention on job (expires_at) where ended_at is not null;
create index job_deadline on job (deadline_at) where ended_at is null;

-- What only the worker needs. `json`, not `jsonb`: the workflow stays as it was sent.
create table job_payload (
  job_id uuid primary key references job on delete cascade,
  workflow json not null,
  inputs jsonb not null default '[]',
  sealed_extra_data bytea
);

create table job_queue (
  id bigint primary key,
  job_id uuid not null unique references job on delete cascade,
  pool integer not null,
  tenant integer not null,
  v double precision not null,
  enqueued_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
create index job_queue_order on job_queue (pool, v, id);

create table idempotency (
  tenant_id integer not null references tenant,
  key text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, key)
);
create index idempotency_retention on idempotency (expires_at);

create table instance (
  id uuid primary key,
  deployment_id integer not null references deployment,
  platform text not null,
  external_id text,
  state text not null default 'launching'
    check (state in ('launching', 'running', 'terminating', 'gone')),
  created_at timestamptz not null default clock_timestamp(),
  gone_at timestamptz,
  constraint instance_gone_iff_gone check ((state = 'gone') = (gone_at is not null))
);
create index instance_alive on instance (platform) where gone_at is null;

create table enrollment (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  deployment_id integer not null references deployment,
  instance_id uuid references instance,
  expires_at timestamptz not null,
  used_at timestamptz
);

create table worker (
  id uuid primary key,
  deployment_id integer not null references deployment,
  instance_id uuid references instance,
  name text not null,
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  state text not null default 'starting' check (state in ('starting', 'ready', 'draining', 'gone')),
  comfyui_version text,
  kind text check (kind in ('comfyui', 'engine')),
  devices jsonb not null default '[]',
  vram_bytes bigint not null default 0,
  enrolled_at timestamptz not null default clock_timestamp(),
  last_seen_at timestamptz not null default clock_timestamp()
);
create index worker_alive on worker (deployment_id) where state <> 'gone';
create index worker_of_instance on worker (instance_id);

create table attempt (
  job_id uuid not null references job on delete cascade,
  epoch integer not null check (epoch > 0),
  id uuid not null unique,
  worker_id uuid not null references worker,
  state text not null default 'running'
    check (state in ('running', 'succeeded', 'failed', 'canceled', 'released', 'lost')),
  claimed_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  failure_class text
    check (failure_class in ('user', 'out_of_memory', 'transient', 'preempted', 'worker_death')),
  failure jsonb,
  timings jsonb,
  log text,
  log_truncated boolean not null default false,
  primary key (job_id, epoch),
  constraint attempt_ended_iff_not_running check ((state = 'running') = (ended_at is null))
);
create index attempt_of_worker on attempt (worker_id) where ended_at is null;

create table job_lease (
  job_id uuid primary key references job on delete cascade,
  epoch integer not null,
  worker_id uuid not null references worker,
  lease_until timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
create index job_lease_worker on job_lease (worker_id);

-- Progress and preview are worth nothing after a crash, so they are never written to the log.
create unlogged table job_live (
  job_id uuid primary key,
  epoch integer not null,
  progress jsonb,
  preview jsonb
) with (fillfactor = 50);

create table blob (
  id bigint generated always as identity primary key,
  tenant_id integer not null references tenant,
  hash text not null check (hash ~ '^blake3:[0-9a-f]{64}$'),
  key text not null unique,
  size_bytes bigint not null check (size_bytes >= 0),
  created_at timestamptz not null default clock_timestamp()
);
create index blob_by_hash on blob (tenant_id, hash);

create table asset (
  id uuid primary key,
  tenant_id integer not null references tenant,
  blob_id bigint not null references blob,
  hash text not null,
  content_type text not null,
  file_path text,
  tags text[] not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  -- The job that made it; null for uploads. Outputs leave with their job.
  job_id uuid references job on delete cascade
);
create unique index asset_upload on asset (tenant_id, hash, coalesce(file_path, '')) where job_id is null;
create index asset_by_path on asset (tenant_id, file_path, created_at desc) where job_id is null;
create index asset_of_blob on asset (blob_id);
create index asset_of_job on asset (job_id) where job_id is not null;
create index asset_retention on asset (expires_at) where expires_at is not null;

-- Which uploads a job that has not ended still needs.
create table job_input (
  job_id uuid not null references job on delete cascade,
  asset_id uuid not null references asset on delete cascade,
  primary key (asset_id, job_id)
);
create index job_input_of_job on job_input (job_id);

create table output (
  job_id uuid not null references job on delete cascade,
  epoch integer not null,
  position integer not null,
  node_id text not null,
  name text not null,
  type text not null check (type in ('image', 'video', 'audio', 'text', 'file', 'latent')),
  asset_id uuid not null unique references asset on delete cascade,
  primary key (job_id, epoch, position)
);

-- One row a terminal transition, written with it.
create table outbox (
  id bigint generated always as identity primary key,
  job_id uuid not null unique references job on delete cascade,
  epoch integer not null,
  event text not null,
  created_at timestamptz not null default clock_timestamp()
);

-- Bytes to delete: a key, or with a slash at its end all keys below it that have no record.
create table blob_trash (
  key text primary key,
  not_before timestamptz not null
);
