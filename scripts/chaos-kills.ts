import { parseArgs } from "node:util";

import { killTargets, runKills, type KillReport } from "../test/chaos/kills.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    "at-once": { type: "string", default: "5" },
    target: { type: "string", multiple: true },
  },
});
const kills = Number(values.kills);
const reports: KillReport[] = [];
for (const target of killTargets) {
  if (values.target !== undefined && !values.target.includes(target)) continue;
  // A gateway or a database is one for all, so each of its kills gets a round of its own.
  const isShared = target === "gateway" || target === "postgres";
  const atOnce = isShared ? 1 : Number(values["at-once"]);
  const onProgress = (done: number): void => {
    process.stderr.write(`${target}: ${done} of ${kills}\n`);
  };
  const report = await runKills({ target, kills, atOnce, onProgress });
  process.stderr.write(`${JSON.stringify(report)}\n`);
  reports.push(report);
}
console.table(reports);
process.exit(reports.every((each) => each.succeeded === each.kills && each.damaged === 0) ? 0 : 1);
