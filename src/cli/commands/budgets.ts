import { formatMicroUsd } from "../../kernel/money.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { BudgetOwner, BudgetPeriod, BudgetRecord } from "../../store/budgets.ts";
import type { Store } from "../../store/store.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { withStore } from "../store-access.ts";
import { formatTable } from "../table.ts";

/** Whose budget: a tenant's or a deployment's, never both. */
export interface BudgetOwnerFlags {
  readonly tenant: string | undefined;
  readonly deployment: string | undefined;
}

export interface BudgetSetFlags extends BudgetOwnerFlags {
  readonly capMicroUsd: number;
  readonly period: BudgetPeriod;
  readonly reserveMicroUsd: number | null;
  readonly alertPercents: readonly number[];
}

/** `hearth budgets set`: makes or changes the budget of a tenant or deployment. */
export async function setBudget(context: CommandContext, flags: BudgetSetFlags): Promise<void> {
  const settings = await settingsOf(context);
  const budget = await withStore(settings, async (store) => {
    const owner = await ownerOf(store, flags);
    if (flags.reserveMicroUsd === null) await requirePrice(store, owner);
    const { period, capMicroUsd, reserveMicroUsd, alertPercents } = flags;
    return store.budgets.set({ owner, period, capMicroUsd, reserveMicroUsd, alertPercents });
  });
  context.output.result(budget, budgetTable([budget]));
}

/** `hearth budgets ls`: every budget with its standing. */
export async function listBudgets(context: CommandContext): Promise<void> {
  const settings = await settingsOf(context);
  const budgets = await withStore(settings, (store) => store.budgets.list());
  context.output.result(budgets, budgetTable(budgets));
}

/** `hearth budgets rm`. */
export async function removeBudget(
  context: CommandContext,
  flags: BudgetOwnerFlags,
): Promise<void> {
  const settings = await settingsOf(context);
  const isRemoved = await withStore(settings, async (store) =>
    store.budgets.remove(await ownerOf(store, flags)),
  );
  if (!isRemoved) throw new HearthError("not_found", { message: "There is no such budget." });
  context.output.result({ removed: true }, "removed");
}

/** `hearth cost price`: what an hour of a deployment's workers costs, all-in. */
export async function setPrice(
  context: CommandContext,
  deployment: string,
  microUsdPerHour: number,
): Promise<void> {
  const settings = await settingsOf(context);
  await withStore(settings, async (store) => {
    const found = await store.access.findDeployment(deployment);
    if (found === undefined) throw new HearthError("deployment_not_found");
    await store.budgets.setDeploymentPrice(found.id, microUsdPerHour);
  });
  const text = `${deployment}: ${formatMicroUsd(microUsdPerHour)} an hour`;
  context.output.result({ deployment, microUsdPerHour }, text);
}

async function ownerOf(store: Store, flags: BudgetOwnerFlags): Promise<BudgetOwner> {
  const { tenant, deployment } = flags;
  if (tenant !== undefined && deployment !== undefined) {
    throw new CliFailure("usage", "Give --tenant or --deployment, not both.");
  }
  if (deployment === undefined) {
    return { kind: "tenant", tenantId: (await store.access.ensureTenant(tenant ?? "default")).id };
  }
  const found = await store.access.findDeployment(deployment);
  if (found === undefined) throw new HearthError("deployment_not_found");
  return { kind: "deployment", deploymentId: found.id };
}

/** Without a price and without an amount nothing would be set aside, and the cap would not hold. */
async function requirePrice(store: Store, owner: BudgetOwner): Promise<void> {
  const deployments = (await store.access.listDeployments()).filter(({ id, tenantId }) =>
    owner.kind === "tenant" ? tenantId === owner.tenantId : id === owner.deploymentId,
  );
  for (const { id, slug } of deployments) {
    if ((await store.budgets.deploymentPrice(id)) !== null) continue;
    const message = `Nothing says what a job of ${slug} costs, so the cap could not hold.`;
    const hint = `Add --reserve <dollars>, or say hearth cost price ${slug} <dollars an hour>.`;
    throw new CliFailure("usage", message, { hint });
  }
}

function budgetTable(budgets: readonly BudgetRecord[]): string {
  return formatTable(budgets, [
    { title: "OF", text: (row) => (row.tenant === null ? "deployment" : "tenant") },
    { title: "NAME", text: (row) => row.tenant ?? row.deployment ?? "" },
    { title: "PERIOD", text: (row) => row.period },
    { title: "CAP", text: (row) => formatMicroUsd(row.capMicroUsd), align: "right" },
    { title: "SPENT", text: (row) => formatMicroUsd(row.spentMicroUsd), align: "right" },
    { title: "SET ASIDE", text: (row) => formatMicroUsd(row.reservedMicroUsd), align: "right" },
    {
      title: "A JOB",
      text: (row) => (row.reserveMicroUsd === null ? "" : formatMicroUsd(row.reserveMicroUsd)),
      align: "right",
    },
    { title: "ALERTS", text: (row) => row.alertPercents.map((each) => `${each} %`).join(", ") },
  ]);
}
