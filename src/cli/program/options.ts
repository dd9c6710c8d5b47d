import { Command, Option } from "commander";

import type { Runner } from "./runner.ts";

export interface ProgramOptions {
  readonly version: string;
  readonly run: Runner;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** A command line with the flags that every command takes. */
export function createFrame(options: ProgramOptions, description: string): Command {
  const program = new Command("hearth")
    .description(description)
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
    );
  program.exitOverride();
  // Before the commands are added: they take this over.
  program.configureOutput({ writeOut: options.write, writeErr: options.writeError });
  return program;
}
