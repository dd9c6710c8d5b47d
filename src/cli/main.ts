import type { Io } from "./output.ts";
import { createProgram } from "./program/program.ts";
import { runCommand, runProcess } from "./run-cli.ts";

/** Runs one command of this process; returns its exit code. */
export function main(args: readonly string[]): Promise<number> {
  return runProcess(createProgram, args);
}

/** Runs one command with its surroundings handed in. Never throws. */
export function runCli(args: readonly string[], io: Io): Promise<number> {
  return runCommand(createProgram, args, io);
}
