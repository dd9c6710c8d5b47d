import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startEmbeddedPostgres } from "../src/store/embedded/server.ts";
import { clouds, runPlatform, type StepResult } from "../test/platforms/run.ts";
import { steps } from "../test/platforms/steps.ts";

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, short: { type: "boolean", default: false } },
});
const chosen = Object.entries(clouds).filter(([name]) => values.only?.includes(name) ?? true);
const folder = await mkdtemp(join(tmpdir(), "hearth-platforms-"));
const postgres = await startEmbeddedPostgres({ dataDir: folder });
const results = new Map<string, readonly StepResult[]>();
try {
  for (const [name, openCloud] of chosen) {
    const onStep = ({ step, seconds, failure }: StepResult): void => {
      const outcome = failure === undefined ? "ok" : `FAILED: ${failure}`;
      process.stderr.write(`${name}: ${step}: ${outcome} (${seconds.toFixed(1)} s)\n`);
    };
    results.set(
      name,
      await runPlatform(postgres.connectionString, openCloud, values.short, onStep),
    );
  }
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

const table = Object.fromEntries(
  steps
    .filter(({ isShort }) => isShort || !values.short)
    .map(({ name }) => [
      name,
      Object.fromEntries(
        [...results].map(([platform, found]) => {
          const result = found.find(({ step }) => step === name);
          const text = result?.failure === undefined ? "ok" : "FAILED";
          return [platform, `${text} ${result?.seconds.toFixed(1) ?? "?"} s`];
        }),
      ),
    ]),
);
console.table(table);
const all = [...results.values()].flat();
process.exit(all.every(({ failure }) => failure === undefined) ? 0 : 1);
