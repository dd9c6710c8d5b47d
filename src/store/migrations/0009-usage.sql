-- What every hour cost and how it went, kept longer than the jobs themselves.

alter table attempt add column peak_vram_bytes bigint check (peak_vram_bytes > 0);

create table usage_hour (
  deployment_id integer not null references deployment,
  hour timestamptz not null check (hour = date_trunc('hour', hour at time zone 'UTC') at time zone 'UTC'),
  model_set integer not null,
  -- Costs in micro-dollars by cause, and mergeable summaries of the key figures.
  summary jsonb not null,
  primary key (deployment_id, hour, model_set)
);
create index usage_hour_age on usage_hour (hour);

-- Hours before this one are final. One row.
create table usage_progress (
  only_row boolean primary key default true check (only_row),
  final_before timestamptz not null
);
