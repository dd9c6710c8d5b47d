-- An enrolment that lets in any number of workers until it expires or is revoked: for platforms that
-- start workers by themselves, and for machines that an operator adds by hand.
alter table enrollment add column is_standing boolean not null default false;
alter table enrollment add column created_at timestamptz not null default clock_timestamp();
alter table enrollment add constraint enrollment_standing_is_nobodys
  check (not is_standing or (instance_id is null and used_at is null));
