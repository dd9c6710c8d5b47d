import { mkdir, realpath } from "node:fs/promises";

import type { Settings } from "../../config/schema.ts";
import type { Logger } from "../../observability/logger.ts";
import { lockFolder } from "../../store/embedded/lock.ts";
import { identifyProcess } from "../../store/embedded/process-identity.ts";
import { startEmbeddedPostgres } from "../../store/embedded/server.ts";
import { migrate } from "../../store/postgres/migrate.ts";
import { reachable } from "../store-access.ts";
import type { Teardown } from "../teardown.ts";

export interface UpDatabase {
  readonly connectionString: string;
  /** The data folder without symbolic links. */
  readonly dataDir: string;
  /** Such as "private Postgres 18.4". */
  readonly description: string;
}

/**
 * Takes the data folder for this process alone and brings its database up to date. Errors:
 * `data_folder_in_use`, `database_unavailable`, `config_invalid`.
 */
export async function openUpDatabase(
  settings: Settings,
  logger: Logger,
  teardown: Teardown,
): Promise<UpDatabase> {
  const { databaseUrl } = settings;
  await mkdir(settings.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = await realpath(settings.dataDir);
  if (databaseUrl === undefined) {
    const postgres = await startEmbeddedPostgres({ dataDir, logger });
    teardown.add("postgres", () => postgres.stop());
    await migrate(postgres.connectionString);
    const { connectionString, serverVersion, wasAdopted } = postgres;
    const state = wasAdopted ? ", still running from before" : "";
    return { connectionString, dataDir, description: `private Postgres ${serverVersion}${state}` };
  }
  // The local workers and the secrets are this folder's, wherever the database is.
  const self = await identifyProcess(process.pid);
  if (self === undefined) throw new Error("this process cannot be identified");
  const lock = await lockFolder(dataDir, self);
  teardown.add("lock", () => lock.release());
  await reachable(() => migrate(databaseUrl));
  const { hostname } = new URL(databaseUrl);
  return { connectionString: databaseUrl, dataDir, description: `Postgres at ${hostname}` };
}
