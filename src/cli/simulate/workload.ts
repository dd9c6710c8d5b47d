import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";

import { errorMessage } from "../../kernel/errors.ts";
import { seededRandom } from "../../kernel/random.ts";
import { defaultGenerator, generateWorkload } from "../../simulator/generator.ts";
import type { Workload } from "../../simulator/sim-job.ts";
import { parseTraceCsv } from "../../simulator/trace-csv.ts";
import type { CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";

/** The requests of a trace file, or two weeks of generated ones. Errors: `usage`. */
export async function readWorkload(
  context: CommandContext,
  trace: string | undefined,
  seed: number,
  options: { readonly hasLargeModels?: boolean } = {},
): Promise<Workload> {
  if (trace === undefined) {
    return generateWorkload({ ...defaultGenerator, ...options, random: seededRandom(seed) });
  }
  const text = await readFile(resolve(context.io.folder, trace), "utf8").catch((cause: unknown) => {
    throw new CliFailure("usage", `${trace} cannot be read: ${errorMessage(cause)}.`);
  });
  const parsed = parseTraceCsv(basename(trace), text);
  if (parsed.ok) return parsed.value;
  throw new CliFailure("usage", `${parsed.error}.`, {
    hint: "docs/simulation.md describes the columns.",
  });
}
