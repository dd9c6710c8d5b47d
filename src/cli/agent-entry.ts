import process from "node:process";

import { createFrame } from "./program/options.ts";
import { addWorkerCommand } from "./program/server-commands.ts";
import { runProcess } from "./run-cli.ts";

/** What a worker image starts: the agent's part of the command line, without the rest of Hearth. */
process.exitCode = await runProcess((options) => {
  const program = createFrame(options, "Runs jobs of a Hearth gateway on the ComfyUI beside it.");
  addWorkerCommand(program, options.run);
  return program;
}, process.argv.slice(2));
