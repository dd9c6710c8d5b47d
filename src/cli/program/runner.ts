import type { Command } from "commander";

import type { CommandContext } from "../command-context.ts";

/**
 * Gives a command what it works with; actions load their modules only inside of it. A number is the
 * exit code of a success that is not plain.
 */
export type Runner = (
  command: Command,
  body: (context: CommandContext) => Promise<number | void>,
) => Promise<void>;
