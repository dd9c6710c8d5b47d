import type { Command } from "commander";

import type { CommandContext } from "../command-context.ts";

/** Gives a command what it works with; actions load their modules only inside of it. */
export type Runner = (
  command: Command,
  body: (context: CommandContext) => Promise<void>,
) => Promise<void>;
