import { makeWorkerUtils } from "graphile-worker";
import pg from "pg";

import { createTestDatabase } from "../../test/database.ts";
import type { QueueSubject } from "./subject.ts";

interface ClaimModule {
  batchGetJobs(
    options: object,
    withPgClient: object,
    tasks: object,
    poolId: string,
    flags: null,
    batchSize: number,
  ): Promise<readonly unknown[]>;
}

interface OptionsModule {
  processSharedOptions(options: object): object;
  makeEnhancedWithPgClient(withPgClient: object): object;
}

const chunk = 50_000;

/** graphile-worker's own claim query, called the way its local queue calls it. */
export async function openGraphileWorker(serverUrl: string): Promise<QueueSubject> {
  const database = await createTestDatabase(serverUrl);
  const pool = new pg.Pool({ connectionString: database.url, max: 10 });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  const worker = await makeWorkerUtils({ pgPool: pool, noPreparedStatements: false });
  await worker.migrate();
  const dist = new URL("../../node_modules/graphile-worker/dist/", import.meta.url);
  const claims = (await import(new URL("sql/getJobs.js", dist).href)) as ClaimModule;
  const library = (await import(new URL("lib.js", dist).href)) as OptionsModule;
  const options = library.processSharedOptions({ pgPool: pool });
  const withPgClient = library.makeEnhancedWithPgClient(
    async (use: (client: pg.PoolClient) => Promise<unknown>) => {
      const client = await pool.connect();
      try {
        return await use(client);
      } finally {
        client.release();
      }
    },
  );
  return {
    name: "graphile-worker",
    async fill(count) {
      for (let left = count; left > 0; left -= chunk) {
        await pool.query(
          `select from graphile_worker.add_jobs(array(
             select json_populate_record(null::graphile_worker.job_spec,
               '{"identifier":"noop","payload":{"workflow":"1"}}')
             from generate_series(1, $1::int)))`,
          [Math.min(left, chunk)],
        );
      }
      await pool.query("vacuum analyze");
    },
    async claim(batch) {
      const tasks = { noop: () => undefined };
      return (await claims.batchGetJobs(options, withPgClient, tasks, "bench", null, batch)).length;
    },
    async close() {
      await worker.release();
      await pool.end();
      await database.drop();
    },
  };
}
