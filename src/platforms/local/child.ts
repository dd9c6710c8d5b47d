import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";

import { HearthError, errorMessage } from "../../kernel/errors.ts";

export interface DetachedChild {
  readonly folder: string;
  readonly instanceId: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Names of variables that custom nodes, which are code from anywhere, must not find. */
const withheld =
  /^(?:DATABASE_URL|PG[A-Z]+|HEARTH_(?:API_KEY|SEAL_KEY|BLOB_SIGNING_KEY|DATA)|AWS_(?:SECRET_ACCESS_KEY|SESSION_TOKEN|ACCESS_KEY_ID))$/u;

/**
 * Starts a process that outlives this one, in a group of its own, with its output in
 * `<folder>/<instance>/worker.log`. Returns its number. Errors: `service_unavailable`.
 */
export async function startDetached(child: DetachedChild): Promise<number> {
  const home = join(child.folder, child.instanceId);
  await mkdir(home, { recursive: true, mode: 0o700 });
  const log = await open(join(home, "worker.log"), "a", 0o600);
  const [program = "", ...args] = child.command;
  try {
    const started = spawn(program, args, {
      cwd: home,
      detached: true,
      env: { ...withoutSecrets(child.environment), HEARTH_WORKER_FOLDER: home },
      stdio: ["ignore", log.fd, log.fd],
      windowsHide: true,
    });
    await once(started, "spawn");
    started.unref();
    if (started.pid === undefined) throw new Error("the process has no number");
    return started.pid;
  } catch (cause) {
    const message = `A local worker could not be started: ${errorMessage(cause)}.`;
    throw new HearthError("service_unavailable", { message, cause, retryAfterSeconds: 1 });
  } finally {
    await log.close();
  }
}

export function withoutSecrets(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const kept = Object.entries(environment).filter(([name]) => !withheld.test(name));
  return Object.fromEntries(kept);
}
