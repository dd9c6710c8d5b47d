import { Client } from "pg";

import type { Settings } from "../../config/schema.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { errorMessage } from "../../kernel/errors.ts";
import { readConnectionString } from "../../store/embedded/server.ts";
import { migrationStatus } from "../../store/postgres/migrate.ts";
import type { Finding } from "./finding.ts";

const oldestVersion = 150_000;
/** Clocks further apart than this make times in lists hard to read; leases do not depend on it. */
const skewLimitMs = 5_000;

/** Whether the database answers, is recent enough and up to date, and what time it has. */
export async function checkDatabase(settings: Settings): Promise<readonly Finding[]> {
  const name = "database";
  const given = settings.databaseUrl;
  const url = given ?? (await readConnectionString(settings.dataDir));
  if (url === undefined) {
    return [{ name, state: "ok", detail: "private Postgres, made at the first start" }];
  }
  try {
    const facts = await ask(url);
    return [facts.version, await checkMigrations(url), facts.clock];
  } catch (thrown) {
    if (given === undefined) {
      const hint = "It runs while hearth up does.";
      return [{ name, state: "warn", detail: "private Postgres is not running", hint }];
    }
    const hint = "Check DATABASE_URL and the server.";
    return [{ name, state: "fail", detail: errorMessage(thrown), hint }];
  }
}

async function ask(url: string): Promise<{ version: Finding; clock: Finding }> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ number: number; version: string; now: Date }>(
      `select current_setting('server_version_num')::int as number,
         current_setting('server_version') as version, clock_timestamp() as now`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error("the server answered nothing");
    return { version: checkVersion(row), clock: checkClock(row.now) };
  } finally {
    await client.end();
  }
}

function checkVersion(row: { readonly number: number; readonly version: string }): Finding {
  const detail = `Postgres ${row.version}`;
  return row.number >= oldestVersion
    ? { name: "database", state: "ok", detail }
    : { name: "database", state: "fail", detail, hint: "Use Postgres 15 or newer." };
}

function checkClock(databaseNow: Date): Finding {
  const skewMs = Math.abs(databaseNow.getTime() - Date.now());
  const detail = `${formatDurationMs(skewMs)} from the database's`;
  return skewMs < skewLimitMs
    ? { name: "clock", state: "ok", detail }
    : { name: "clock", state: "warn", detail, hint: "Synchronize the clocks of both machines." };
}

async function checkMigrations(url: string): Promise<Finding> {
  const { applied, pending } = await migrationStatus(url);
  const detail = `${applied.length} applied, ${pending.length} pending`;
  return pending.length === 0
    ? { name: "migrations", state: "ok", detail }
    : { name: "migrations", state: "fail", detail, hint: "Run hearth migrate." };
}
