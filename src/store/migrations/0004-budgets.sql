-- What workers cost, and budgets that no job can slip past: triggers on the job itself reserve and
-- settle, so every statement that records or ends a job obeys them, those to come included.

-- Of a worker whose instance has no price of its own; null: nothing is known.
alter table deployment add column price_micro_usd_per_hour bigint check (price_micro_usd_per_hour >= 0);
-- All-in, of the whole instance; null until it has been looked up.
alter table instance add column price_micro_usd_per_hour bigint check (price_micro_usd_per_hour >= 0);

create table budget (
  id integer generated always as identity primary key,
  tenant_id integer references tenant,
  deployment_id integer references deployment,
  period text not null check (period in ('day', 'month', 'total')),
  period_start timestamptz not null default '-infinity',
  cap_micro_usd bigint not null check (cap_micro_usd >= 0),
  -- What a job sets aside until it has ended; null: its deployment's price for its longest run.
  reserve_micro_usd bigint check (reserve_micro_usd > 0),
  alert_percents smallint[] not null default '{50,80,100}',
  spent_micro_usd bigint not null default 0 check (spent_micro_usd >= 0),
  reserved_micro_usd bigint not null default 0 check (reserved_micro_usd >= 0),
  constraint budget_of_one_thing check (num_nonnulls(tenant_id, deployment_id) = 1)
);
create unique index budget_of_tenant on budget (tenant_id) where tenant_id is not null;
create unique index budget_of_deployment on budget (deployment_id) where deployment_id is not null;

create table budget_reservation (
  job_id uuid not null references job on delete cascade,
  budget_id integer not null references budget on delete cascade,
  micro_usd bigint not null check (micro_usd >= 0),
  primary key (job_id, budget_id)
);
create index budget_reservation_of_budget on budget_reservation (budget_id);

-- One row for each share of a cap that a period's spending has reached.
create table budget_alert (
  budget_id integer not null references budget on delete cascade,
  period_start timestamptz not null,
  percent smallint not null,
  spent_micro_usd bigint not null,
  cap_micro_usd bigint not null,
  raised_at timestamptz not null default clock_timestamp(),
  announced_at timestamptz,
  primary key (budget_id, period_start, percent)
);
create index budget_alert_pending on budget_alert (raised_at) where announced_at is null;

create function budget_period_start(period text) returns timestamptz language sql stable as $$
  select case when period = 'total' then '-infinity'::timestamptz
    else date_trunc(period, clock_timestamp() at time zone 'UTC') at time zone 'UTC' end
$$;

-- What the attempts of a job have cost: the time from claim to end at the price of their workers.
create function job_cost_micro_usd(of_job uuid) returns bigint language sql stable as $$
  select coalesce(sum(round(
    coalesce(i.price_micro_usd_per_hour, d.price_micro_usd_per_hour, 0)
      * extract(epoch from a.ended_at - a.claimed_at) / 3600)), 0)::bigint
  from attempt a
  join worker w on w.id = a.worker_id
  join deployment d on d.id = w.deployment_id
  left join instance i on i.id = w.instance_id
  where a.job_id = of_job and a.ended_at is not null
$$;

-- What a job of a deployment sets aside in a budget.
create function budget_share_micro_usd(reserve bigint, of_deployment integer) returns bigint
language sql stable as $$
  select coalesce(reserve, ceil(coalesce(price_micro_usd_per_hour, 0)
    * execution_timeout_ms / 3600000.0))::bigint
  from deployment where id = of_deployment
$$;

create function budget_has_room(b budget, needed bigint) returns boolean language sql stable as $$
  select reserved_micro_usd + greatest(needed, 1) + case
      when period_start < budget_period_start(period) then 0 else spent_micro_usd end
    <= cap_micro_usd
  from (select b.*) as standing
$$;

-- Budgets are locked last and in the order of their ids, by submits and ends alike. They are looked
-- at before they are locked: a refusal needs no lock, and floods of them must not hold anybody up.
create function reserve_budgets() returns trigger language plpgsql as $$
declare
  found budget;
  needed bigint;
begin
  for found in
    select * from budget b where b.tenant_id = new.tenant_id or b.deployment_id = new.deployment_id
  loop
    needed := budget_share_micro_usd(found.reserve_micro_usd, new.deployment_id);
    if not budget_has_room(found, needed) then
      perform refuse_job(found, needed);
    end if;
  end loop;
  for found in
    select * from budget b where b.tenant_id = new.tenant_id or b.deployment_id = new.deployment_id
    order by b.id for update
  loop
    needed := budget_share_micro_usd(found.reserve_micro_usd, new.deployment_id);
    if not budget_has_room(found, needed) then
      perform refuse_job(found, needed);
    end if;
    update budget set period_start = budget_period_start(period),
      spent_micro_usd = case
        when period_start < budget_period_start(period) then 0 else spent_micro_usd end,
      reserved_micro_usd = reserved_micro_usd + needed
    where id = found.id;
    insert into budget_reservation (job_id, budget_id, micro_usd) values (new.id, found.id, needed);
  end loop;
  return null;
end
$$;

create function refuse_job(found budget, needed bigint) returns void language plpgsql as $$
begin
  raise exception 'budget exhausted' using errcode = 'HB402', detail = json_build_object(
    'budget', found.id, 'period', found.period, 'capMicroUsd', found.cap_micro_usd,
    'spentMicroUsd', case
      when found.period_start < budget_period_start(found.period) then 0
      else found.spent_micro_usd end,
    'reservedMicroUsd', found.reserved_micro_usd, 'jobMicroUsd', needed)::text;
end
$$;

create function settle_budgets() returns trigger language plpgsql as $$
declare
  held record;
  cost bigint;
  spent bigint;
begin
  for held in
    select b.*, r.micro_usd, budget_period_start(b.period) as current_start
    from budget_reservation r join budget b on b.id = r.budget_id
    where r.job_id = new.id order by b.id for update of b
  loop
    cost := coalesce(cost, job_cost_micro_usd(new.id));
    spent := cost
      + case when held.period_start < held.current_start then 0 else held.spent_micro_usd end;
    update budget set period_start = held.current_start, spent_micro_usd = spent,
      reserved_micro_usd = reserved_micro_usd - held.micro_usd
    where id = held.id;
    insert into budget_alert (budget_id, period_start, percent, spent_micro_usd, cap_micro_usd)
    select held.id, held.current_start, percent, spent, held.cap_micro_usd
    from unnest(held.alert_percents) as percent
    where cost > 0 and spent * 100 >= held.cap_micro_usd * percent
    on conflict do nothing;
  end loop;
  delete from budget_reservation where job_id = new.id;
  return null;
end
$$;

create trigger job_reserves_budgets after insert on job
  for each row execute function reserve_budgets();
create trigger job_settles_budgets after update of ended_at on job
  for each row when (old.ended_at is null and new.ended_at is not null)
  execute function settle_budgets();
