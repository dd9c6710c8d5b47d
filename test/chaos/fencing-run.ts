import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startEmbeddedPostgres } from "../../src/store/embedded/server.ts";
import { openTestStore } from "../store.ts";
import { runFencing, type FencingOptions, type FencingReport } from "./fencing.ts";

/** Runs on a private Postgres of its own with real durability, so that it can be stopped at will. */
export async function runFencingOnPrivatePostgres(
  options: Omit<FencingOptions, "restartDatabase">,
): Promise<FencingReport> {
  const dataDir = await mkdtemp(join(tmpdir(), "hearth-fencing-"));
  let server = await startEmbeddedPostgres({ dataDir });
  try {
    const fixture = await openTestStore(server.connectionString);
    const report = await runFencing(fixture, {
      ...options,
      restartDatabase: async () => {
        await server.stop("immediate");
        server = await startEmbeddedPostgres({ dataDir });
      },
    });
    await fixture.close();
    return report;
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}
