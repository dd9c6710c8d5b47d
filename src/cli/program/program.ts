import { Command, Option } from "commander";

import { addAdminCommands } from "./admin-commands.ts";
import { addBudgetCommands } from "./budget-commands.ts";
import { addClientCommands } from "./client-commands.ts";
import { addCostCommands } from "./cost-commands.ts";
import type { Runner } from "./runner.ts";
import { addServerCommands } from "./server-commands.ts";

export interface ProgramOptions {
  readonly version: string;
  readonly run: Runner;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** The whole command line. Throws commander's error in place of ending the process. */
export function createProgram(options: ProgramOptions): Command {
  const { run } = options;
  const program = new Command("hearth")
    .description("Turns any ComfyUI workflow into a durable API.")
    .version(options.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .option("--json", "print one JSON envelope on standard output")
    .option("--config <file>", "settings file (default: hearth.json, where there is one)")
    .option("--data <folder>", "data folder (default: .hearth)")
    .addOption(
      new Option("--log-level <level>", "how much is logged").choices([
        "silent",
        "error",
        "warn",
        "info",
        "debug",
      ]),
    )
    .addHelpText("after", "\nExit codes and environment variables: docs/cli.md");
  program.exitOverride();
  // Before the commands are added: they take this over.
  program.configureOutput({ writeOut: options.write, writeErr: options.writeError });
  addServerCommands(program, run);
  addClientCommands(program, run);
  addAdminCommands(program, run);
  addBudgetCommands(program, run);
  addCostCommands(program, run);
  return program;
}
