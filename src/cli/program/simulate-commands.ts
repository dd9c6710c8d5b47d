import type { Command } from "commander";

import { cards, factor, names, wholeNumber } from "../arguments.ts";
import type { SimulateFleetFlags } from "../commands/simulate-fleet.ts";
import type { SimulateFlags } from "../commands/simulate-scaling.ts";
import type { Runner } from "./runner.ts";

/** What would have become of recorded or generated traffic. */
export function addSimulateCommands(program: Command, run: Runner): void {
  const simulate = program
    .command("simulate")
    .summary("replay traffic on simulated workers")
    .description("Replays traffic on simulated workers, on a virtual clock.");
  addScalingCommand(simulate, run);
  addFleetCommand(simulate, run);
}

const defaultRules = ["cost-first", "balanced", "performance-first", "keda", "knative"];

/** `hearth simulate trace.csv` is this one, too. */
function addScalingCommand(simulate: Command, run: Runner): void {
  simulate
    .command("scaling", { isDefault: true })
    .summary("compare rules of scaling on a fleet that grows and shrinks")
    .description("Compares rules of scaling: service, cold starts and what is paid.")
    .argument("[trace]", "CSV of requests (docs/autoscaling.md); without it, generated ones")
    .option("--policy <names>", "rules to compare, with commas between", names)
    .option("--platform <names>", "where to price it, with commas between", names)
    .option("--gpu <name>", "which card; default: the cheapest with 24 GiB")
    .option("--copies <count>", "how many times the traffic", factor(0.01, 500), 1)
    .option("--seed <number>", "another one is another run", wholeNumber(0, 2 ** 31), 1)
    .option("--out <folder>", "draw service against money, as SVG and PNG")
    .action((trace: string | undefined, flags: Partial<SimulateFlags>, command: Command) =>
      run(command, async (context) => {
        const { simulateScaling } = await import("../commands/simulate-scaling.ts");
        const { policy = defaultRules, platform = [], copies = 1, seed = 1, ...more } = flags;
        await simulateScaling(context, trace, { ...more, policy, platform, copies, seed });
      }),
    );
}

const defaultPolicies = ["hearth", "fifo", "fifo-warm", "zero-swap"];

function addFleetCommand(simulate: Command, run: Runner): void {
  simulate
    .command("fleet")
    .summary("compare orders of work on a fixed fleet")
    .description("Compares orders of work on a fleet that neither grows nor shrinks.")
    .argument("[trace]", "CSV of requests (docs/simulation.md); without it, generated ones")
    .option("--policy <names>", "orders to compare, with commas between", names)
    .option("--workers <count>", "how many workers", wholeNumber(1, 10_000), 16)
    .option("--gpus <cards>", "cards of the workers instead, as 8x24GiB,8x48GiB", cards)
    .option("--copies <count>", "how many times the traffic", factor(0.01, 500), 1)
    .option("--seed <number>", "another one is another run", wholeNumber(0, 2 ** 31), 1)
    .option("--deaths <rate>", "deaths per worker and hour", factor(0, 10), 0)
    .option("--out-of-memory <percent>", "of first attempts", factor(0, 100), 0)
    .option("--slow-loads <percent>", "of loads, five times as slow", factor(0, 100), 0)
    .option("--out <folder>", "draw latency, swaps and utilisation, as SVG and PNG")
    .action((trace: string | undefined, flags: RawFlags, command: Command) =>
      run(command, async (context) => {
        const { simulateFleet } = await import("../commands/simulate-fleet.ts");
        await simulateFleet(context, trace, { ...flags, policy: flags.policy ?? defaultPolicies });
      }),
    );
}

interface RawFlags extends Omit<SimulateFleetFlags, "policy"> {
  readonly policy?: readonly string[];
}
