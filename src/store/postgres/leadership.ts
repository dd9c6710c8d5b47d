import type { Leadership } from "../control.ts";
import type { Database } from "./database.ts";

/** The advisory lock that the leading controller holds; the number means nothing else. */
const leaderLock = 4_812_002;

/** Takes the leader's lock on a connection of its own; undefined where another process has it. */
export async function tryLead(database: Database): Promise<Leadership | undefined> {
  const connection = await database.dedicatedConnection("hearth-leader");
  const lost = new Promise<void>((resolve) => {
    connection.on("error", () => resolve());
    connection.on("end", () => resolve());
  });
  const found = await connection.query<{ won: boolean }>("select pg_try_advisory_lock($1) as won", [
    leaderLock,
  ]);
  if (found.rows[0]?.won !== true) {
    await connection.end();
    return undefined;
  }
  return { lost, release: () => connection.end() };
}
