import { Option, type Command } from "commander";

import { budgetPeriods, type BudgetPeriod } from "../../store/budgets.ts";
import { dollars, percents } from "../arguments.ts";
import type { Runner } from "./runner.ts";

interface RawBudgetFlags {
  readonly tenant?: string;
  readonly deployment?: string;
  readonly cap: number;
  readonly period: BudgetPeriod;
  readonly reserve?: number;
  readonly alert: readonly number[];
}

/** Caps on what tenants and deployments may spend. */
export function addBudgetCommands(program: Command, run: Runner): void {
  const budgets = program
    .command("budgets")
    .summary("cap what tenants and deployments spend")
    .description("Caps what tenants and deployments spend.");
  addOwner(budgets.command("set"))
    .description("Makes or changes a budget; submits without room in it are refused.")
    .requiredOption("--cap <dollars>", "what may be spent in a period", dollars)
    .addOption(
      new Option("--period <period>", "when it begins anew, by UTC")
        .choices(budgetPeriods)
        .default("month"),
    )
    .option("--reserve <dollars>", "set aside for each job until it has ended", dollars)
    .option("--alert <percents>", "shares of the cap to warn at", percents, [50, 80, 100])
    .action((flags: RawBudgetFlags, command: Command) =>
      run(command, async (context) => {
        const { setBudget } = await import("../commands/budgets.ts");
        const { tenant, deployment, cap, period, reserve, alert } = flags;
        await setBudget(context, {
          tenant,
          deployment,
          capMicroUsd: cap,
          period,
          reserveMicroUsd: reserve ?? null,
          alertPercents: alert,
        });
      }),
    );
  budgets
    .command("ls")
    .description("Lists budgets and what is left of them.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { listBudgets } = await import("../commands/budgets.ts");
        await listBudgets(context);
      }),
    );
  addOwner(budgets.command("rm"))
    .description("Takes a budget away.")
    .action((flags: { tenant?: string; deployment?: string }, command: Command) =>
      run(command, async (context) => {
        const { removeBudget } = await import("../commands/budgets.ts");
        await removeBudget(context, { tenant: flags.tenant, deployment: flags.deployment });
      }),
    );
}

function addOwner(command: Command): Command {
  return command
    .option("--tenant <name>", "of this tenant (default: the tenant default)")
    .option("-d, --deployment <name>", "of this deployment");
}
