import { parseArgs } from "node:util";

import { managements, runRollout, stepNames, type Row } from "../test/rollout/run.ts";

const { values } = parseArgs({ options: { only: { type: "string", multiple: true } } });
const results = new Map<string, readonly Row[]>();
for (const [name, open] of Object.entries(managements)) {
  if (values.only?.includes(name) === false) continue;
  const rows = await runRollout(open);
  results.set(name, rows);
  for (const { step, failure } of rows) {
    if (failure !== undefined) process.stderr.write(`${name}: ${step}: ${failure}\n`);
  }
}
const table = stepNames.map((step) => [
  step,
  Object.fromEntries(
    [...results].map(([platform, rows]) => {
      const found = rows.find((row) => row.step === step);
      return [platform, found !== undefined && found.failure === undefined ? "ok" : "FAILED"];
    }),
  ),
]);
console.table(Object.fromEntries(table));
const all = [...results.values()].flat();
process.exit(all.every(({ failure }) => failure === undefined) ? 0 : 1);
