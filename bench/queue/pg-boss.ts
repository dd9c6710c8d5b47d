import { PgBoss } from "pg-boss";

import { createTestDatabase } from "../../test/database.ts";
import type { QueueSubject } from "./subject.ts";

const queue = "bench";
const chunk = 20_000;

/** pg-boss through its public fetch. */
export async function openPgBoss(serverUrl: string): Promise<QueueSubject> {
  const database = await createTestDatabase(serverUrl);
  const boss = new PgBoss({ connectionString: database.url, max: 10, supervise: false });
  boss.on("error", () => undefined);
  await boss.start();
  await boss.createQueue(queue);
  return {
    name: "pg-boss",
    async fill(count) {
      for (let left = count; left > 0; left -= chunk) {
        const jobs = Array.from({ length: Math.min(left, chunk) }, () => ({
          data: { workflow: "1" },
        }));
        await boss.insert(queue, jobs);
      }
      await boss.getDb().executeSql("vacuum analyze", []);
    },
    claim: async (batch) => (await boss.fetch(queue, { batchSize: batch })).length,
    async close() {
      await boss.stop({ graceful: false });
      await database.drop();
    },
  };
}
