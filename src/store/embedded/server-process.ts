import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { HearthError, errorMessage } from "../../kernel/errors.ts";
import type { PostgresBinaries } from "./binaries.ts";
import {
  identifyProcess,
  signalProcess,
  waitForExit,
  type ProcessIdentity,
} from "./process-identity.ts";
import { isReachable, type ServerAccount } from "./server-account.ts";
import { serverEnvironment } from "./server-environment.ts";
import type { ServerLog } from "./server-log.ts";

/** "fast" ends sessions and writes a checkpoint; "immediate" leaves the work to crash recovery. */
export type StopMode = "fast" | "immediate";

const fastStopMs = 30_000;
const quitMs = 5_000;
const killMs = 5_000;

/**
 * What to pass after `-D`. A folder below one that the account may not enter is still usable
 * on Linux as the working directory, which root enters before it becomes that account.
 * Errors: `config_invalid` elsewhere.
 */
export async function dataFolderArgument(
  dataFolder: string,
  account: ServerAccount | undefined,
  binaries: PostgresBinaries,
): Promise<string> {
  if (await isReachable(dataFolder, account, "search")) return dataFolder;
  // Older versions resolve every path by name.
  if (process.platform === "linux" && binaries.majorVersion >= 16) return "/proc/self/cwd";
  const who = account === undefined ? "this user" : `user ${account.uid}, whom Postgres runs as,`;
  throw new HearthError("config_invalid", {
    message: `${who} may not enter ${dataFolder}; choose another folder with --data, run Hearth as an ordinary user, or set DATABASE_URL.`,
  });
}

export interface SpawnRequest {
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  readonly dataFolder: string;
  readonly args: readonly string[];
  readonly log: ServerLog;
}

export interface SpawnedServer {
  readonly identity: ProcessIdentity;
  hasExited(): boolean;
}

/**
 * Starts `postgres` in a session of its own, so that a Ctrl-C in our terminal does not reach it
 * before we have ended our own work. Undefined when it ended at once. Errors: `database_unavailable`.
 */
export async function spawnServer(request: SpawnRequest): Promise<SpawnedServer | undefined> {
  const { account, binaries, dataFolder, log } = request;
  const data = await dataFolderArgument(dataFolder, account, binaries);
  const output = await log.open();
  let child: ChildProcess;
  try {
    child = spawn(join(binaries.binDir, "postgres"), ["-D", data, ...request.args], {
      ...account,
      cwd: dataFolder,
      env: serverEnvironment(),
      detached: true,
      stdio: ["ignore", output.fd, output.fd],
      windowsHide: true,
    });
    await once(child, "spawn");
  } catch (cause) {
    const message = `The private Postgres cannot be started: ${errorMessage(cause)}`;
    throw new HearthError("database_unavailable", { message, cause });
  } finally {
    await output.close();
  }
  child.unref();
  const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
  if (identity === undefined) return undefined;
  return { identity, hasExited: () => child.exitCode !== null || child.signalCode !== null };
}

/** Stops a server, ours or adopted, with growing force. Errors: `database_unavailable`. */
export async function stopServer(identity: ProcessIdentity, mode: StopMode): Promise<void> {
  const steps: [NodeJS.Signals, number][] = [
    ["SIGQUIT", quitMs],
    ["SIGKILL", killMs],
  ];
  if (mode === "fast") steps.unshift(["SIGINT", fastStopMs]);
  for (const [signal, patienceMs] of steps) {
    if (!(await signalProcess(identity, signal))) return;
    if (await waitForExit(identity, patienceMs)) return;
  }
  const message = `The private Postgres (process ${identity.pid}) does not end.`;
  throw new HearthError("database_unavailable", { message });
}
