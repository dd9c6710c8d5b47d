import { createServer } from "node:net";
import { once } from "node:events";

import { Client, DatabaseError } from "pg";

import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { connectionStringOf, databaseName, type Credentials } from "./credentials.ts";
import { pollUntil } from "./polling.ts";
import { folderSetting } from "./settings.ts";

/** Crash recovery replays at most about 512 MB of log, which takes seconds. */
const readyTimeoutMs = 180_000;
const probeIntervalMs = 20;
const connectTimeoutMs = 5_000;

export type Readiness =
  | { readonly state: "ready"; readonly version: string }
  | { readonly state: "exited" };

/**
 * Waits until the server answers, through crash recovery too, and makes sure that our database
 * exists. Errors: `database_unavailable`.
 */
export async function waitUntilReady(
  credentials: Credentials,
  dataFolder: string,
  hasExited: () => Promise<boolean>,
): Promise<Readiness> {
  let lastProblem = "no answer";
  const ready = await pollUntil<Readiness>(
    async () => {
      if (await hasExited()) return { state: "exited" };
      try {
        return { state: "ready", version: await openDatabase(credentials, dataFolder) };
      } catch (thrown) {
        if (isFatal(thrown)) {
          const message = `The private Postgres on port ${credentials.port} refuses its own password.`;
          throw new HearthError("database_unavailable", { message, cause: thrown });
        }
        lastProblem = errorMessage(thrown);
        return undefined;
      }
    },
    { timeoutMs: readyTimeoutMs, intervalMs: probeIntervalMs },
  );
  if (ready !== undefined) return ready;
  const message = `The private Postgres was not ready in ${readyTimeoutMs / 1000} s: ${lastProblem}`;
  throw new HearthError("database_unavailable", { message, retryAfterSeconds: 10 });
}

/** The preferred port if it is free, else one that the system picks. */
export async function findFreePort(preferred = 0): Promise<number> {
  const server = createServer();
  try {
    server.listen({ port: preferred, host: "127.0.0.1", exclusive: true });
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no TCP port");
    return address.port;
  } catch (thrown) {
    if (preferred === 0) throw thrown;
    return await findFreePort();
  } finally {
    server.close();
  }
}

/** The server's version. Fails when another server answers on the port. */
async function openDatabase(credentials: Credentials, dataFolder: string): Promise<string> {
  try {
    return await queryVersion(credentials, dataFolder);
  } catch (thrown) {
    if (sqlState(thrown) !== "3D000") throw thrown;
  }
  await withClient(credentials, "postgres", (client) =>
    client.query(`create database ${databaseName}`),
  );
  return queryVersion(credentials, dataFolder);
}

async function queryVersion(credentials: Credentials, dataFolder: string): Promise<string> {
  const result = await withClient(credentials, databaseName, (client) =>
    client.query<{ version: string; folder: string | null }>(
      "select current_setting('server_version') as version, current_setting($1, true) as folder",
      [folderSetting],
    ),
  );
  const { version = "", folder } = result.rows[0] ?? {};
  // A copied data folder has the same password, and may want the same port at the same moment.
  if (folder !== dataFolder) throw new Error(`the server of ${folder ?? "another folder"} answers`);
  return version.split(" ")[0] ?? "";
}

async function withClient<T>(
  credentials: Credentials,
  database: string,
  body: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    connectionString: connectionStringOf(credentials, database),
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: "hearth-start",
  });
  // A server that goes away meanwhile fails the query; without a listener it would crash us.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await body(client);
  } finally {
    await client.end();
  }
}

function isFatal(thrown: unknown): boolean {
  return sqlState(thrown)?.startsWith("28") ?? false;
}

function sqlState(thrown: unknown): string | undefined {
  return thrown instanceof DatabaseError ? thrown.code : undefined;
}
