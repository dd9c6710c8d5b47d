import type { Command } from "commander";

import { dollars } from "../arguments.ts";
import type { Runner } from "./runner.ts";

/** What things cost, and will. */
export function addCostCommands(program: Command, run: Runner): void {
  const cost = program
    .command("cost")
    .summary("estimate, compare and report costs")
    .description("Estimates, compares and reports costs.");
  cost
    .command("price <deployment> <dollars>")
    .description("Says what an hour of a deployment's workers costs where no platform tells.")
    .action((deployment: string, amount: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { setPrice } = await import("../commands/budgets.ts");
        await setPrice(context, deployment, dollars(amount));
      }),
    );
}
