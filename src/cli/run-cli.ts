import { CommanderError, type Command } from "commander";

import packageJson from "../../package.json" with { type: "json" };
import type { GlobalFlags } from "./command-context.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failure.ts";
import { Output, type Io } from "./output.ts";
import type { ProgramOptions } from "./program/options.ts";

/** Builds a command line: all of Hearth's, or the part that a worker image needs. */
export type ProgramFactory = (options: ProgramOptions) => Command;

/** Runs one command of this process; returns its exit code. */
export function runProcess(create: ProgramFactory, args: readonly string[]): Promise<number> {
  const { stdin, stdout, stderr } = process;
  // A reader that has seen enough, such as head, is no failure of ours.
  for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
  const io = { environment: process.env, folder: process.cwd(), stdin, stdout, stderr };
  return runCommand(create, args, io);
}

/** Runs one command with its surroundings handed in. Never throws. */
export async function runCommand(
  create: ProgramFactory,
  args: readonly string[],
  io: Io,
): Promise<number> {
  let exitCode: number = exitCodes.ok;
  let output = new Output(io, args.includes("--json"));
  const program = create({
    version: packageJson.version,
    write: (text) => void io.stdout.write(text),
    writeError: (text) => {
      if (!output.isJson) io.stderr.write(text);
    },
    run: async (command, body) => {
      const globals = globalFlagsOf(command);
      output = new Output(io, globals.json ?? false);
      exitCode = (await body({ io, output, globals })) ?? exitCodes.ok;
    },
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return endOfParsing(thrown, output);
    output.error(thrown);
    return exitCodeOf(thrown);
  }
}

function globalFlagsOf(command: Command): GlobalFlags {
  return command.optsWithGlobals<GlobalFlags>();
}

/** Help and version end parsing too; commander has printed everything already, but no envelope. */
function endOfParsing(error: CommanderError, output: Output): number {
  if (error.exitCode === 0) return exitCodes.ok;
  if (output.isJson) {
    const message = error.message.replace(/^error: /u, "");
    output.error(new CliFailure("usage", message, { details: { reason: error.code } }));
  }
  return exitCodes.usage;
}
