import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmod,
  chown,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

import { HearthError, errorMessage } from "../../kernel/errors.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { newPassword, roleName, writeCredentials } from "./credentials.ts";
import { errorCode } from "./process-identity.ts";
import type { ServerAccount } from "./server-account.ts";
import { serverEnvironment } from "./server-environment.ts";
import { dataFolderArgument } from "./server-process.ts";

export interface ClusterRequest {
  /** Will hold `data/`, `credentials.json` and the log; must not exist. */
  readonly serverHome: string;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  readonly port: number;
}

const initdbTimeoutMs = 300_000;
const draftMark = ".new-";
const runFile = promisify(execFile);

/** Nobody but local processes with the password. */
const hostRules = "host all all 127.0.0.1/32 scram-sha-256\n";

export function dataFolderOf(serverHome: string): string {
  return join(serverHome, "data");
}

/**
 * Sets up the data of a new server beside its place and moves it there when it is whole.
 * Errors: `config_invalid`, `database_unavailable`.
 */
export async function createCluster(request: ClusterRequest): Promise<void> {
  const { serverHome, account } = request;
  const draft = `${serverHome}${draftMark}${randomBytes(6).toString("hex")}`;
  const dataFolder = dataFolderOf(draft);
  try {
    await makeFolder(draft, 0o711);
    await makeFolder(dataFolder, 0o700);
    if (account !== undefined) await giveTo(dataFolder, account);
    const password = newPassword();
    await initialize(dataFolder, password, request);
    await writeFile(join(dataFolder, "pg_hba.conf"), hostRules, { flush: true });
    await writeCredentials(draft, { port: request.port, password });
    await rename(draft, serverHome);
    await syncFolder(dirname(serverHome));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Removes what starters that were killed in `createCluster` left behind. */
export async function removeDrafts(serverHome: string): Promise<void> {
  const parent = dirname(serverHome);
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${basename(serverHome)}${draftMark}`)) continue;
    // An initdb may outlive its starter for a moment and still be writing.
    await rm(join(parent, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

/** The major version that wrote the data. Errors: `config_invalid` when it cannot be read. */
export async function dataVersionOf(serverHome: string): Promise<number> {
  const path = join(dataFolderOf(serverHome), "PG_VERSION");
  try {
    return Number.parseInt(await readFile(path, "utf8"), 10);
  } catch (cause) {
    const message = `${path} cannot be read (${errorCode(cause) ?? "failed"}); run as the user who set up the data folder, or choose another one with --data.`;
    throw new HearthError("config_invalid", { message, cause });
  }
}

async function initialize(
  dataFolder: string,
  password: string,
  { binaries, account }: ClusterRequest,
): Promise<void> {
  const passwordFile = join(dirname(dataFolder), "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account !== undefined) await giveTo(passwordFile, account);
  const args = [
    `--pgdata=${await dataFolderArgument(dataFolder, account, binaries)}`,
    // Relative, as the folders above may be closed to the account.
    `--pwfile=${join("..", "password")}`,
    `--username=${roleName}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--data-checksums",
  ];
  const options = {
    ...account,
    cwd: dataFolder,
    env: serverEnvironment(),
    timeout: initdbTimeoutMs,
  };
  try {
    await runFile(join(binaries.binDir, "initdb"), args, options);
  } catch (cause) {
    const reason = complaintOf(cause);
    const advice = reason.includes("user does not exist")
      ? " Postgres needs an entry in /etc/passwd for its user; add one, or set DATABASE_URL."
      : "";
    const message = `The private Postgres cannot be set up in ${dataFolder}: ${reason}${advice}`;
    throw new HearthError("database_unavailable", { message, cause });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** What the program wrote to standard error, or why it could not run. */
function complaintOf(thrown: unknown): string {
  const written = thrown instanceof Error && "stderr" in thrown ? String(thrown.stderr).trim() : "";
  return written === "" ? errorMessage(thrown) : written;
}

/** The process's umask must not decide. */
async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path);
  await chmod(path, mode);
}

async function giveTo(path: string, account: ServerAccount): Promise<void> {
  try {
    await chown(path, account.uid, account.gid);
  } catch (cause) {
    const message = `${path} cannot be given to user ${account.uid}, whom Postgres must run as since Hearth runs as root (${errorCode(cause) ?? "failed"}). Run Hearth as an ordinary user, choose another folder with --data, or set DATABASE_URL.`;
    throw new HearthError("config_invalid", { message, cause });
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
