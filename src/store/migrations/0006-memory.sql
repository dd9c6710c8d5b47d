-- Memory of cards: what workers report of it, and what runs have taught.

alter table worker
  -- The worker on whose word this one, another slot of the same card, was enrolled.
  add column beside uuid references worker,
  -- The card as its worker described it last.
  add column memory jsonb;
create index worker_beside on worker (beside) where beside is not null and state <> 'gone';

-- Peaks of runs by what determines them: the workflow but for its seeds, its models, the size of its
-- pictures, and the class of card, since ComfyUI takes more where there is more.
create table footprint (
  deployment_id integer not null references deployment,
  fingerprint text not null,
  model_set integer not null,
  size_class text not null,
  vram_class smallint not null,
  peak_bytes bigint not null check (peak_bytes > 0),
  runs integer not null check (runs >= 0),
  out_of_memory_count integer not null check (out_of_memory_count >= 0),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (deployment_id, fingerprint, model_set, size_class, vram_class),
  constraint footprint_was_taught check (runs + out_of_memory_count > 0)
) with (fillfactor = 70);
create index footprint_age on footprint (updated_at);
