import { readFileSync, readdirSync } from "node:fs";

import { Client } from "pg";

const folder = new URL("../migrations/", import.meta.url);

/** The advisory lock that lets one process migrate at a time; the number means nothing else. */
const migrationLock = 4_812_001;

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

export interface MigrationStatus {
  readonly applied: readonly number[];
  readonly pending: readonly string[];
}

/** The numbered files of `migrations/`, in order. */
function loadMigrations(): readonly Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.+\.sql$/u.test(file))
    .sort()
    .map((file) => ({
      number: Number(file.slice(0, 4)),
      name: file,
      sql: readFileSync(new URL(file, folder), "utf8"),
    }));
}

/** Applies what is missing, one transaction a file; many processes may call it at once. */
export async function migrate(connectionString: string): Promise<MigrationStatus> {
  return withClient(connectionString, async (client) => {
    await client.query("select pg_advisory_lock($1)", [migrationLock]);
    await client.query(
      `create table if not exists hearth_migration (
        number integer primary key, name text not null,
        applied_at timestamptz not null default clock_timestamp())`,
    );
    const { applied } = await status(client);
    for (const migration of loadMigrations()) {
      if (!applied.includes(migration.number)) await apply(client, migration);
    }
    return status(client);
  });
}

/** What is applied and what is not, without changing anything. */
export async function migrationStatus(connectionString: string): Promise<MigrationStatus> {
  return withClient(connectionString, status);
}

async function apply(client: Client, migration: Migration): Promise<void> {
  await client.query("begin");
  try {
    await client.query(migration.sql);
    await client.query("insert into hearth_migration (number, name) values ($1, $2)", [
      migration.number,
      migration.name,
    ]);
    await client.query("commit");
  } catch (cause) {
    await client.query("rollback");
    throw new Error(`Migration ${migration.name} failed`, { cause });
  }
}

async function status(client: Client): Promise<MigrationStatus> {
  const found = await client.query<{ exists: boolean }>(
    "select to_regclass('hearth_migration') is not null as exists",
  );
  const applied: number[] = [];
  if (found.rows[0]?.exists === true) {
    const rows = await client.query<{ number: number }>(
      "select number from hearth_migration order by number",
    );
    applied.push(...rows.rows.map((row) => row.number));
  }
  const pending = loadMigrations().filter((migration) => !applied.includes(migration.number));
  return { applied, pending: pending.map((migration) => migration.name) };
}

async function withClient<T>(
  connectionString: string,
  body: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}
