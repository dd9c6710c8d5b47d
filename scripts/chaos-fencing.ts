import { parseArgs } from "node:util";

import { runFencingOnPrivatePostgres } from "../test/chaos/fencing-run.ts";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "5000" },
    workers: { type: "string", default: "32" },
    restarts: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
  },
});
const report = await runFencingOnPrivatePostgres({
  jobs: Number(values.jobs),
  workers: Number(values.workers),
  restarts: Number(values.restarts),
  seed: Number(values.seed),
  leaseMs: 300,
  onProgress: (ended) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${ended} of ${values.jobs} jobs ended`);
  },
});
console.table(report);
process.exit(report.lost + report.doubled + report.staleAccepted === 0 ? 0 : 1);
