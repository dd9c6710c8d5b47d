-- What a deployment's workers are to have, what they have, and how long their instances took.

-- Models with hashes and sources, and the warmup workflow; null: nothing beyond ComfyUI itself.
alter table deployment add column release jsonb check (jsonb_typeof(release -> 'models') = 'array');

alter table worker add column is_warm boolean not null default false;

-- When the platform first said that the instance runs.
alter table instance add column running_at timestamptz;

-- Model files by worker; a worker's rows are replaced as a whole and leave with it.
create table worker_resident (
  worker_id uuid not null references worker on delete cascade,
  -- `folder/filename`
  model text not null check (model like '_%/_%'),
  bytes bigint not null check (bytes >= 0),
  tier text not null check (tier in ('disk', 'ram', 'vram')),
  pinned boolean not null,
  primary key (worker_id, model)
) with (fillfactor = 70);
create index worker_resident_model on worker_resident (model);
