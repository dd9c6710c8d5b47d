import { Option, type Command } from "commander";

import { strategies, type Strategy } from "../../autoscaler/policy.ts";
import { dollars, texts, wholeNumber } from "../arguments.ts";
import type { ScaleFlags } from "../commands/scale.ts";
import type { Runner } from "./runner.ts";

const most = 10_000;

/** How many workers deployments have, and why. */
export function addScaleCommands(program: Command, run: Runner): void {
  const scale = program
    .command("scale")
    .summary("set and explain how many workers deployments have")
    .description("Sets and explains how many workers deployments have.");
  addSetCommand(scale, run);
  addForecastCommand(scale, run);
  scale
    .command("ls")
    .description("Lists deployments that are scaled.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { listScaling } = await import("../commands/scale.ts");
        await listScaling(context);
      }),
    );
  scale
    .command("why <deployment>")
    .description("Shows the last decisions with their reasons.")
    .option("-n, --limit <count>", "how many, newest first", wholeNumber(1, 500), 5)
    .action((name: string, flags: { limit: number }, command: Command) =>
      run(command, async (context) => {
        const { explainScaling } = await import("../commands/scale-why.ts");
        await explainScaling(context, name, flags);
      }),
    );
  scale
    .command("plan <deployment>")
    .description("Shows what would be done now, without doing it.")
    .addOption(strategyOption("as if it had another strategy"))
    .action((name: string, flags: { strategy?: Strategy }, command: Command) =>
      run(command, async (context) => {
        const { planScaling } = await import("../commands/scale-why.ts");
        await planScaling(context, name, flags);
      }),
    );
}

function addForecastCommand(scale: Command, run: Runner): void {
  scale
    .command("forecast <deployment>")
    .description("Shows the pattern of the traffic, and whether a forecast would have paid.")
    .action((name: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { showForecast } = await import("../commands/scale-forecast.ts");
        await showForecast(context, name);
      }),
    );
}

function addSetCommand(scale: Command, run: Runner): void {
  scale
    .command("set <deployment>")
    .description("Scales a deployment between bounds. What is not given stays as it is.")
    .option("--min <workers>", "workers that always stay", wholeNumber(0, most))
    .option("--max <workers>", "workers at most", wholeNumber(1, most))
    .addOption(strategyOption("what counts more, money or time"))
    .option("--platform <name>", "where workers may run; may be repeated", texts)
    .option(
      "--cold-start-value <dollars>",
      "what sparing one caller a cold start is worth",
      dollars,
    )
    .option("--hourly-budget <dollars>", "what all workers together may cost an hour", dollars)
    .option("--settings <file>", "all settings, as JSON (docs/autoscaling.md)")
    .option("--off", "scale no more; the workers that are there stay")
    .action((name: string, flags: ScaleFlags, command: Command) =>
      run(command, async (context) => {
        const { setScaling } = await import("../commands/scale.ts");
        await setScaling(context, name, flags);
      }),
    );
}

function strategyOption(text: string): Option {
  return new Option("--strategy <name>", text).choices(strategies);
}
