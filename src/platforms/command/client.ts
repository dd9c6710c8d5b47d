import { execFile } from "node:child_process";

import { callPlatform, type CallFailure, type CallPatience } from "../calls.ts";
import { failureOf } from "./map.ts";

const maxOutputBytes = 4 * 1024 * 1024;

class ProgramFailure extends Error {
  override readonly name = "ProgramFailure";
  readonly exitCode: number | null;

  constructor(exitCode: number | null, stderr: string) {
    super(stderr);
    this.exitCode = exitCode;
  }
}

/** Runs one of the operator's programs and returns what it wrote. */
export async function runProgram(
  command: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  patience: CallPatience,
): Promise<string> {
  const [program = "", ...args] = command;
  const run = (signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { env: { ...environment }, maxBuffer: maxOutputBytes, signal };
      execFile(program, args, options, (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        reject(new ProgramFailure(typeof error.code === "number" ? error.code : null, stderr));
      });
    });
  const call = { what: `Program ${program}`, run, failureOf: failureIn, isIdempotent: false };
  return (await callPlatform(call, patience)) ?? "";
}

function failureIn(thrown: unknown): CallFailure {
  if (thrown instanceof ProgramFailure) return failureOf(thrown.exitCode, thrown.message);
  return { kind: "unreachable" };
}
