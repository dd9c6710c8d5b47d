import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { HearthError } from "../../kernel/errors.ts";
import { dataFolderOf } from "./initdb.ts";
import { pollUntil } from "./polling.ts";
import { parsePostmasterFile, type PostmasterFile } from "./postmaster-file.ts";
import {
  commandLineOf,
  errorCode,
  identifyProcess,
  isRunning,
  waitForExit,
  type ProcessIdentity,
} from "./process-identity.ts";
import { folderSetting } from "./settings.ts";

export interface FoundServer {
  readonly identity: ProcessIdentity;
  readonly port: number;
}

const stoppingTimeoutMs = 60_000;
const portTimeoutMs = 10_000;

/**
 * The server that a killed Hearth left running on this folder, if any. The folder's lock must be
 * held. Waits for one that is on its way out. Errors: `database_unavailable`.
 */
export async function findRunningServer(serverHome: string): Promise<FoundServer | undefined> {
  const dataFolder = dataFolderOf(serverHome);
  const path = join(dataFolder, "postmaster.pid");
  const file = await readPostmasterFile(path);
  if (file === "absent") return undefined;
  const identity = file === undefined ? undefined : await identifyServer(file.pid, dataFolder);
  if (file === undefined || identity === undefined) {
    // Postgres itself refuses to start while the number it finds belongs to anything.
    if (file === undefined || isNumberTaken(file.pid)) await rm(path, { force: true });
    return undefined;
  }
  if (file.status === "stopping") {
    if (await waitForExit(identity, stoppingTimeoutMs)) return undefined;
    const message = `The private Postgres (process ${identity.pid}) is stopping and does not end.`;
    throw new HearthError("database_unavailable", { message });
  }
  const port = await pollUntil(() => currentPort(path, identity), {
    timeoutMs: portTimeoutMs,
    intervalMs: 20,
  });
  if (port === undefined) {
    const message = `The private Postgres (process ${identity.pid}) does not get to listening.`;
    throw new HearthError("database_unavailable", { message });
  }
  return port === "exited" ? undefined : { identity, port };
}

async function currentPort(
  path: string,
  identity: ProcessIdentity,
): Promise<number | "exited" | undefined> {
  if (!(await isRunning(identity))) return "exited";
  const file = await readPostmasterFile(path);
  return file === "absent" ? undefined : file?.port;
}

/** The process, if it is a Postgres that was started on exactly this folder. */
async function identifyServer(
  pid: number,
  dataFolder: string,
): Promise<ProcessIdentity | undefined> {
  const identity = await identifyProcess(pid);
  const commandLine = identity === undefined ? undefined : await commandLineOf(pid);
  return commandLine?.includes(`${folderSetting}=${dataFolder} -c `) === true
    ? identity
    : undefined;
}

async function readPostmasterFile(path: string): Promise<PostmasterFile | "absent" | undefined> {
  try {
    return parsePostmasterFile(await readFile(path, "utf8"));
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return "absent";
    throw thrown;
  }
}

/** Counts zombies too, as Postgres does. */
function isNumberTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return errorCode(thrown) !== "ESRCH";
  }
}
