import { createInterface } from "node:readline";
import { Readable } from "node:stream";

import type { CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";

/** Asks on a terminal; elsewhere `--yes` has to say it. Errors: `usage`, `canceled`. */
export async function confirm(
  { io, output }: CommandContext,
  question: string,
  isSaid: boolean,
): Promise<void> {
  if (isSaid) return;
  if (io.stderr.isTTY !== true || output.isJson) {
    throw new CliFailure("usage", `${question} Nobody can be asked here; add --yes.`);
  }
  io.stderr.write(`${question} [y/N] `);
  const lines = createInterface({ input: Readable.from(io.stdin) });
  try {
    for await (const line of lines) {
      if (/^y(es)?$/iu.test(line.trim())) return;
      break;
    }
  } finally {
    lines.close();
  }
  throw new CliFailure("usage", "Nothing has been changed.", { hint: "Answer y, or add --yes." });
}
