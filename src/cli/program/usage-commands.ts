import { Option, type Command } from "commander";

import { usageGroupings, type UsageGrouping } from "../../store/usage-report.ts";
import { durationMs, wholeNumber } from "../arguments.ts";
import type { Runner } from "./runner.ts";

interface RawUsageFlags {
  readonly since: number;
  readonly by: UsageGrouping;
  readonly deployment?: string;
}

interface RawStatsFlags {
  readonly since: number;
  readonly by: UsageGrouping | "attempt";
  readonly deployment?: string;
  readonly limit: number;
}

const dayMs = 86_400_000;

/** `hearth cost report`, a command of `hearth cost`. */
export function addCostReport(cost: Command, run: Runner): void {
  cost
    .command("report")
    .description("Reports what was paid: for runs, loads, starts and idle time.")
    .option("--since <duration>", "how far back, in whole hours", durationMs, 7 * dayMs)
    .addOption(
      new Option("--by <what>", "a line for each").choices(usageGroupings).default("deployment"),
    )
    .option("-d, --deployment <name>", "only this deployment's")
    .action((flags: RawUsageFlags, command: Command) =>
      run(command, async (context) => {
        const { reportCosts } = await import("../commands/usage.ts");
        const { since, by, deployment } = flags;
        await reportCosts(context, { sinceMs: since, by, deployment });
      }),
    );
}

export function addStatsCommand(program: Command, run: Runner): void {
  program
    .command("stats")
    .summary("show key figures")
    .description("Shows the nine key figures with percentiles, and the efficiency score.")
    .option("--since <duration>", "how far back, in whole hours", durationMs, dayMs)
    .addOption(
      new Option("--by <what>", "a table for each")
        .choices([...usageGroupings, "attempt"])
        .default("total"),
    )
    .option("-d, --deployment <name>", "only this deployment's")
    .option("--limit <count>", "attempts shown with --by attempt", wholeNumber(1, 10_000), 20)
    .action((flags: RawStatsFlags, command: Command) =>
      run(command, async (context) => {
        const { showAttempts, showStats } = await import("../commands/usage.ts");
        const { since, by, deployment, limit } = flags;
        if (by === "attempt") await showAttempts(context, { sinceMs: since, limit, deployment });
        else await showStats(context, { sinceMs: since, by, deployment });
      }),
    );
}
