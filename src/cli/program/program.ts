import type { Command } from "commander";

import { addAdminCommands } from "./admin-commands.ts";
import { addBudgetCommands } from "./budget-commands.ts";
import { addCatalogueCommands } from "./catalogue-commands.ts";
import { addClientCommands } from "./client-commands.ts";
import { addCostCommands } from "./cost-commands.ts";
import { addDeployCommands } from "./deploy-commands.ts";
import { addModelCommands } from "./model-commands.ts";
import { createFrame, type ProgramOptions } from "./options.ts";
import { addPlatformCommands } from "./platform-commands.ts";
import { addScaleCommands } from "./scale-commands.ts";
import { addServerCommands } from "./server-commands.ts";
import { addSimulateCommands } from "./simulate-commands.ts";
import { addWorkflowCommands } from "./workflow-commands.ts";
import { addStatsCommand } from "./usage-commands.ts";

/** The whole command line. Throws commander's error in place of ending the process. */
export function createProgram(options: ProgramOptions): Command {
  const { run } = options;
  const program = createFrame(
    options,
    "Turns any ComfyUI workflow into a durable API.",
  ).addHelpText("after", "\nExit codes and environment variables: docs/cli.md");
  addServerCommands(program, run);
  addClientCommands(program, run);
  addWorkflowCommands(program, run);
  addAdminCommands(program, run);
  addBudgetCommands(program, run);
  addCostCommands(program, run);
  addCatalogueCommands(program, run);
  addStatsCommand(program, run);
  addDeployCommands(program, run);
  addSimulateCommands(program, run);
  addModelCommands(program, run);
  addScaleCommands(program, run);
  addPlatformCommands(program, run);
  return program;
}
