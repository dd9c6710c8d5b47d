import { access, constants, mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "../../kernel/clock.ts";
import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { prepareBinaries } from "./binaries.ts";
import { connectionStringOf, readCredentials } from "./credentials.ts";
import { createCluster, dataFolderOf, dataVersionOf, removeDrafts } from "./initdb.ts";
import { adoptServer, launchServer, type LaunchPlan, type LiveServer } from "./launch.ts";
import { lockFolder } from "./lock.ts";
import { errorCode, identifyProcess } from "./process-identity.ts";
import { findFreePort } from "./readiness.ts";
import { chooseServerAccount } from "./server-account.ts";
import { ServerLog } from "./server-log.ts";
import { stopServer, type StopMode } from "./server-process.ts";
import { Supervisor, type EmbeddedLogger } from "./supervisor.ts";

export interface EmbeddedPostgresOptions {
  /** Hearth's data folder, made if missing. The server lives in its subfolder `postgres`. */
  readonly dataDir: string;
  readonly logger?: EmbeddedLogger;
  readonly clock?: Clock;
  /** The folder of `initdb` and `postgres`, in place of the npm package's. */
  readonly binDir?: string;
  /** Postgres settings that win over ours. */
  readonly extraSettings?: Readonly<Record<string, string>>;
  /** Where root puts a copy of the programs if neither the originals nor the data folder will do. */
  readonly sharedCopyFolder?: string;
}

/** A private Postgres that this process holds; no other Hearth can use the folder meanwhile. */
export interface EmbeddedPostgres {
  /** For the database `hearth`; holds the password, so never log it. Constant while we hold it. */
  readonly connectionString: string;
  /** Such as "18.4". */
  readonly serverVersion: string;
  /** Changes when the server had to be started again. */
  readonly postmasterPid: number;
  /** Whether it was still running from a Hearth that had been killed. */
  readonly wasAdopted: boolean;
  /** Looks after the server now instead of within the next second. */
  check(): Promise<void>;
  /** Stops the server and lets go of the folder; later calls share the first one's result. */
  stop(mode?: StopMode): Promise<void>;
}

const silentLogger: EmbeddedLogger = { info() {}, warn() {}, error() {} };
const defaultSharedCopyFolder = "/var/cache/hearth";

/**
 * Starts the private Postgres of a data folder, setting it up the first time, or takes over the
 * one that is running. Errors: `data_folder_in_use`, `database_unavailable`, `config_invalid`.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const dataDir = await openDataFolder(options.dataDir);
  const self = await identifyProcess(process.pid);
  if (self === undefined) throw new Error("this process cannot be identified");
  const lock = await lockFolder(dataDir, self);
  try {
    const logger = options.logger ?? silentLogger;
    const log = new ServerLog(serverHomeOf(dataDir));
    const adopted = await adoptServer(serverHomeOf(dataDir));
    const server = adopted ?? (await launchFirst(options, dataDir, log));
    const { pid } = server.identity;
    logger.info(
      { pid, port: server.credentials.port, version: server.version },
      adopted === undefined ? "private Postgres started" : "private Postgres taken over",
    );
    const relaunch = (): Promise<LiveServer> => launchAgain(options, dataDir, log);
    const clock = options.clock ?? { now: () => Date.now() };
    const supervisor = new Supervisor({ server, log, logger, clock, relaunch });
    return new HeldServer(supervisor, adopted !== undefined, () => lock.release());
  } catch (thrown) {
    await lock.release();
    throw thrown;
  }
}

/**
 * How another process of this machine, such as a command beside `hearth up`, reaches the server of
 * a folder; undefined if none was ever set up. Says nothing about whether it is running.
 * Errors: `config_invalid`.
 */
export async function readConnectionString(dataDir: string): Promise<string | undefined> {
  const credentials = await readCredentials(serverHomeOf(dataDir));
  return credentials === undefined ? undefined : connectionStringOf(credentials);
}

class HeldServer implements EmbeddedPostgres {
  readonly connectionString: string;
  readonly serverVersion: string;
  readonly wasAdopted: boolean;
  private readonly supervisor: Supervisor;
  private readonly release: () => Promise<void>;
  private stopped: Promise<void> | undefined;

  constructor(supervisor: Supervisor, wasAdopted: boolean, release: () => Promise<void>) {
    this.supervisor = supervisor;
    this.wasAdopted = wasAdopted;
    this.release = release;
    this.connectionString = connectionStringOf(supervisor.current.credentials);
    this.serverVersion = supervisor.current.version;
  }

  get postmasterPid(): number {
    return this.supervisor.current.identity.pid;
  }

  check(): Promise<void> {
    return this.supervisor.check();
  }

  stop(mode: StopMode = "fast"): Promise<void> {
    this.stopped ??= this.stopOnce(mode);
    return this.stopped;
  }

  private async stopOnce(mode: StopMode): Promise<void> {
    const server = await this.supervisor.end();
    try {
      await stopServer(server.identity, mode);
    } finally {
      await this.release();
    }
  }
}

function serverHomeOf(dataDir: string): string {
  return join(dataDir, "postgres");
}

async function openDataFolder(dataDir: string): Promise<string> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    // One spelling for all starters, since the server is recognized by it.
    return await realpath(dataDir);
  } catch (cause) {
    const message = `The data folder ${dataDir} cannot be used (${errorCode(cause) ?? errorMessage(cause)}); choose another one with --data.`;
    throw new HearthError("config_invalid", { message, cause });
  }
}

async function launchFirst(
  options: EmbeddedPostgresOptions,
  dataDir: string,
  log: ServerLog,
): Promise<LiveServer> {
  const plan = await planLaunch(options, dataDir, log, false);
  const { serverHome, binaries, account } = plan;
  await removeDrafts(serverHome);
  if ((await readCredentials(serverHome)) === undefined) {
    await createCluster({ serverHome, binaries, account, port: await findFreePort() });
  }
  const dataVersion = await dataVersionOf(serverHome);
  if (dataVersion !== binaries.majorVersion) {
    const message = `The data in ${serverHome} is of Postgres ${dataVersion}, but the programs are of ${binaries.version}; move it with pg_dump, or set DATABASE_URL.`;
    throw new HearthError("config_invalid", { message });
  }
  return launchServer(plan);
}

/** Never sets up new data: data that vanished under a running Hearth is for a person to see. */
async function launchAgain(
  options: EmbeddedPostgresOptions,
  dataDir: string,
  log: ServerLog,
): Promise<LiveServer> {
  const plan = await planLaunch(options, dataDir, log, true);
  return (await adoptServer(plan.serverHome)) ?? (await launchServer(plan));
}

async function planLaunch(
  options: EmbeddedPostgresOptions,
  dataDir: string,
  log: ServerLog,
  keepPort: boolean,
): Promise<LaunchPlan> {
  const serverHome = serverHomeOf(dataDir);
  const account = await chooseServerAccount(dataFolderOf(serverHome), dataDir);
  const copyFolders = [join(dataDir, "postgres-programs")];
  if (account !== undefined) copyFolders.push(options.sharedCopyFolder ?? defaultSharedCopyFolder);
  const binaries = await prepareBinaries({ binDir: options.binDir, account, copyFolders });
  const { extraSettings = {} } = options;
  return { serverHome, binaries, account, extraSettings, log, keepPort };
}
