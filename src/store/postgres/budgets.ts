import { HearthError } from "../../kernel/errors.ts";
import { formatMicroUsd } from "../../kernel/money.ts";
import type {
  BudgetAlert,
  BudgetOwner,
  BudgetRecord,
  BudgetStore,
  NewBudget,
  UnpricedInstance,
} from "../budgets.ts";
import type { Runner } from "./database.ts";

/** Budgets and prices. */
export class PostgresBudgets implements BudgetStore {
  private readonly database: Runner;

  constructor(database: Runner) {
    this.database = database;
  }

  async set(budget: NewBudget): Promise<BudgetRecord> {
    const { owner, period, capMicroUsd, reserveMicroUsd, alertPercents } = budget;
    const column = owner.kind === "tenant" ? "tenant_id" : "deployment_id";
    await this.database.sql(
      `insert into budget (${column}, period, period_start, cap_micro_usd, reserve_micro_usd,
         alert_percents)
       values ($1, $2, budget_period_start($2), $3, $4, $5)
       on conflict (${column}) where ${column} is not null do update set
         period = excluded.period, cap_micro_usd = excluded.cap_micro_usd,
         reserve_micro_usd = excluded.reserve_micro_usd, alert_percents = excluded.alert_percents`,
      [ownerId(owner), period, capMicroUsd, reserveMicroUsd, alertPercents],
    );
    const [record] = await this.find(owner);
    if (record === undefined) throw new Error("The budget vanished");
    return record;
  }

  async remove(owner: BudgetOwner): Promise<boolean> {
    const column = owner.kind === "tenant" ? "tenant_id" : "deployment_id";
    const rows = await this.database.sql(`delete from budget where ${column} = $1 returning id`, [
      ownerId(owner),
    ]);
    return rows.length > 0;
  }

  list(): Promise<readonly BudgetRecord[]> {
    return this.database.run<BudgetRecord>("budgets-list", [null, null]);
  }

  takeAlerts(limit: number): Promise<readonly BudgetAlert[]> {
    return this.database.run<BudgetAlert>("budgets-take-alerts", [limit]);
  }

  async setDeploymentPrice(deploymentId: number, microUsdPerHour: number | null): Promise<boolean> {
    const rows = await this.database.sql(
      "update deployment set price_micro_usd_per_hour = $2 where id = $1 returning id",
      [deploymentId, microUsdPerHour],
    );
    return rows.length > 0;
  }

  async deploymentPrice(deploymentId: number): Promise<number | null> {
    const [row] = await this.database.sql<{ price: number | null }>(
      "select price_micro_usd_per_hour as price from deployment where id = $1",
      [deploymentId],
    );
    return row?.price ?? null;
  }

  unpricedInstances(limit: number): Promise<readonly UnpricedInstance[]> {
    return this.database.sql<UnpricedInstance>(
      `select id, platform, hardware ->> 'gpu' as gpu, hardware ->> 'region' as region,
         coalesce((hardware ->> 'isSpot')::boolean, false) as "isSpot"
       from instance
       where price_micro_usd_per_hour is null and hardware is not null and gone_at is null
       order by created_at desc limit $1`,
      [limit],
    );
  }

  async setInstancePrice(id: string, microUsdPerHour: number): Promise<void> {
    await this.database.sql("update instance set price_micro_usd_per_hour = $2 where id = $1", [
      id,
      microUsdPerHour,
    ]);
  }

  private find(owner: BudgetOwner): Promise<readonly BudgetRecord[]> {
    const id = ownerId(owner);
    const values = owner.kind === "tenant" ? [id, null] : [null, id];
    return this.database.run<BudgetRecord>("budgets-list", values);
  }
}

function ownerId(owner: BudgetOwner): number {
  return owner.kind === "tenant" ? owner.tenantId : owner.deploymentId;
}

interface Refusal {
  readonly period: string;
  readonly capMicroUsd: number;
  readonly spentMicroUsd: number;
  readonly reservedMicroUsd: number;
  readonly jobMicroUsd: number;
}

/** Names the refusal of a submit by a budget; everything else is thrown on as it is. */
export function throwBudgetRefusal(thrown: unknown): never {
  if (!isRefusal(thrown)) throw thrown;
  const refusal = JSON.parse(thrown.detail) as Refusal;
  const { capMicroUsd, spentMicroUsd, reservedMicroUsd, jobMicroUsd, period } = refusal;
  const free = Math.max(0, capMicroUsd - spentMicroUsd - reservedMicroUsd);
  const span = period === "total" ? "" : ` of this ${period}`;
  const message =
    `The budget${span} has ${formatMicroUsd(free)} left of ${formatMicroUsd(capMicroUsd)}; ` +
    `this job sets ${formatMicroUsd(jobMicroUsd)} aside.`;
  throw new HearthError("insufficient_credits", { message, details: { ...refusal } });
}

function isRefusal(thrown: unknown): thrown is { readonly detail: string } {
  if (typeof thrown !== "object" || thrown === null) return false;
  const { code, detail } = thrown as { readonly code?: unknown; readonly detail?: unknown };
  return code === "HB402" && typeof detail === "string";
}
