import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startEmbeddedPostgres } from "../src/store/embedded/server.ts";
import { runMemoryChaos, type MemoryReport } from "../test/chaos/memory.ts";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
  },
});
const dataDir = await mkdtemp(join(tmpdir(), "hearth-memory-"));
const report = await run();
console.table(report);
const { lost, failedOtherwise, retriedTwice, sideways } = report;
process.exit(lost + failedOtherwise + retriedTwice + sideways === 0 ? 0 : 1);

async function run(): Promise<MemoryReport> {
  const server = await startEmbeddedPostgres({ dataDir });
  try {
    return await runMemoryChaos({
      serverUrl: server.connectionString,
      jobs: Number(values.jobs),
      seed: Number(values.seed),
      onProgress: (ended) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${ended} of ${values.jobs} jobs ended`);
      },
    });
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}
