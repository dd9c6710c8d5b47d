import type { Settings } from "../config/schema.ts";
import { HearthError } from "../kernel/errors.ts";
import { readConnectionString, startEmbeddedPostgres } from "../store/embedded/server.ts";
import { migrate, migrationStatus } from "../store/postgres/migrate.ts";
import { openPostgresStore } from "../store/postgres/store.ts";
import type { Store } from "../store/store.ts";

/** A database to work on, with whatever had to be started for it. */
export interface OpenDatabase {
  readonly connectionString: string;
  close(): Promise<void>;
}

/**
 * The database of `DATABASE_URL`, or the private one of the data folder: the running one, or one
 * started for as long as this takes. Errors: `database_unavailable`, `data_folder_in_use`.
 */
export async function openDatabase(settings: Settings): Promise<OpenDatabase> {
  if (settings.databaseUrl !== undefined) {
    return { connectionString: settings.databaseUrl, close: async () => undefined };
  }
  const running = await readConnectionString(settings.dataDir);
  if (running !== undefined && (await answers(running))) {
    return { connectionString: running, close: async () => undefined };
  }
  const postgres = await startEmbeddedPostgres({ dataDir: settings.dataDir });
  return {
    connectionString: postgres.connectionString,
    close: () => postgres.stop(),
  };
}

/** Runs `body` on the migrated store and closes everything after it. */
export async function withStore<T>(
  settings: Settings,
  body: (store: Store) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(settings);
  try {
    await assureSchema(settings, database.connectionString);
    const store = await openPostgresStore({
      connectionString: database.connectionString,
      maxConnections: 2,
    });
    try {
      return await body(store);
    } finally {
      await store.close();
    }
  } finally {
    await database.close();
  }
}

/** Ours is brought up to date; somebody's own database only on request. */
export async function assureSchema(settings: Settings, connectionString: string): Promise<void> {
  if (settings.databaseUrl === undefined) {
    await reachable(() => migrate(connectionString));
    return;
  }
  const { pending } = await reachable(() => migrationStatus(connectionString));
  if (pending.length === 0) return;
  const message = `The database lacks ${pending.length} migration(s), first ${pending[0] ?? ""}; run hearth migrate.`;
  throw new HearthError("config_invalid", { message, details: { pending } });
}

/** Names a failure to connect; statements that fail stay what they are. */
export async function reachable<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : "";
    const isConnection =
      typeof code === "string" && /^(?:E[A-Z]+|08...|28...|3D000|57P0.)$/u.test(code);
    if (!isConnection) throw cause;
    // The cause's own text may hold the address; the password never.
    const message = `The database cannot be reached (${code}).`;
    throw new HearthError("database_unavailable", { message, cause, retryAfterSeconds: 1 });
  }
}

async function answers(connectionString: string): Promise<boolean> {
  try {
    await migrationStatus(connectionString);
    return true;
  } catch {
    return false;
  }
}
