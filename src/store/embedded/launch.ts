import { setTimeout as delay } from "node:timers/promises";

import { HearthError } from "../../kernel/errors.ts";
import { findRunningServer } from "./adoption.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { readCredentials, writeCredentials, type Credentials } from "./credentials.ts";
import { dataFolderOf } from "./initdb.ts";
import { endOrphans } from "./orphans.ts";
import { isRunning, type ProcessIdentity } from "./process-identity.ts";
import { findFreePort, waitUntilReady } from "./readiness.ts";
import type { ServerAccount } from "./server-account.ts";
import type { ServerLog } from "./server-log.ts";
import { spawnServer, stopServer } from "./server-process.ts";
import { serverSettings, settingArguments } from "./settings.ts";

export interface LaunchPlan {
  readonly serverHome: string;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  readonly extraSettings: Readonly<Record<string, string>>;
  readonly log: ServerLog;
  /** Clients already know the port, so no other will do. */
  readonly keepPort: boolean;
}

export interface LiveServer {
  readonly identity: ProcessIdentity;
  readonly credentials: Credentials;
  readonly version: string;
}

/** A port lost to another program is rare; orphans end at once or when their query does. */
const maxLaunches = 60;
const relaunchDelayMs = 250;

/** Takes over a server that still runs on the folder; undefined when there is none. */
export async function adoptServer(serverHome: string): Promise<LiveServer | undefined> {
  const stored = await readCredentials(serverHome);
  if (stored === undefined) return undefined;
  const found = await findRunningServer(serverHome);
  if (found === undefined) return undefined;
  const credentials = { ...stored, port: found.port };
  if (stored.port !== found.port) await writeCredentials(serverHome, credentials);
  const { identity } = found;
  const ready = await waitUntilReady(
    credentials,
    dataFolderOf(serverHome),
    async () => !(await isRunning(identity)),
  );
  return ready.state === "exited" ? undefined : { identity, credentials, version: ready.version };
}

/**
 * Starts a server on data that exists, on the port of the last time if it is free. The caller has
 * made sure that none runs. Errors: `database_unavailable` with the end of the server's log.
 */
export async function launchServer(plan: LaunchPlan): Promise<LiveServer> {
  const { serverHome, log } = plan;
  const stored = await readCredentials(serverHome);
  if (stored === undefined) throw new Error(`no credentials in ${serverHome}`);
  let { port } = stored;
  let logTail = "";
  for (let launch = 0; launch < maxLaunches; launch++) {
    port = plan.keepPort ? port : await findFreePort(port);
    const credentials = { ...stored, port };
    if (port !== stored.port) await writeCredentials(serverHome, credentials);
    const logStart = await log.sizeBytes();
    const live = await launchOnce(plan, credentials);
    if (live !== undefined) return live;
    logTail = await log.tail(logStart);
    if (/shared memory block .* still in use/u.test(logTail)) {
      await endOrphans(dataFolderOf(serverHome));
    } else if (!/could not create any TCP/u.test(logTail)) {
      break;
    }
    await delay(relaunchDelayMs);
  }
  const message = `The private Postgres ended while starting. Its log ${log.path} says: ${logTail}`;
  throw new HearthError("database_unavailable", { message });
}

/** Undefined when the server ended by itself before it was ready. */
async function launchOnce(
  plan: LaunchPlan,
  credentials: Credentials,
): Promise<LiveServer | undefined> {
  const { binaries, account, extraSettings, log } = plan;
  const dataFolder = dataFolderOf(plan.serverHome);
  const settings = serverSettings({ port: credentials.port, dataFolder, extraSettings });
  const args = settingArguments(settings);
  const spawned = await spawnServer({ binaries, account, dataFolder, args, log });
  if (spawned === undefined) return undefined;
  const { identity } = spawned;
  try {
    const ready = await waitUntilReady(credentials, dataFolder, () =>
      Promise.resolve(spawned.hasExited()),
    );
    return ready.state === "exited" ? undefined : { identity, credentials, version: ready.version };
  } catch (thrown) {
    await stopServer(identity, "fast");
    throw thrown;
  }
}
