-- What was deployed where. A release never changes: another image, lock or option is another release.
create table release (
  id text primary key check (id ~ '^[0-9a-f]{16}$'),
  platform text not null check (platform <> ''),
  -- Image and options, all that it is applied from.
  content jsonb not null check (jsonb_typeof(content) = 'object'),
  created_at timestamptz not null default clock_timestamp()
);

create function refuse_release_change() returns trigger language plpgsql as $$
begin
  raise exception 'a release never changes' using errcode = 'restrict_violation';
end $$;
create trigger release_is_immutable before update or delete on release
  for each row execute function refuse_release_change();

-- Each time that somebody applied or removed one. The live release of a name on a platform is that of
-- its newest finished row, and the one before is the newest other.
create table rollout (
  id bigint generated always as identity primary key,
  deployment_id integer not null references deployment,
  platform text not null,
  name text not null check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  action text not null check (action in ('apply', 'rollback', 'destroy')),
  release_id text references release,
  actor text not null check (length(actor) between 1 and 200),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz check (finished_at >= started_at),
  check ((action = 'destroy') = (release_id is null))
);
create index rollout_newest on rollout (platform, name, id desc);
