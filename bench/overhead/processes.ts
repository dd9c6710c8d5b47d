import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const hearth = fileURLToPath(new URL("../../bin/hearth.mjs", import.meta.url));

/** Starts a `hearth` command as a process of its own. */
export function startHearth(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [hearth, ...args], { stdio: ["ignore", "ignore", "inherit"] });
}

/** Asks until `isReady` says yes, for at most a minute. */
export async function waitUntil(isReady: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await isReady().catch(() => false)) return;
    await delay(100);
  }
  throw new Error("not ready within a minute");
}

/** Where the engine listens that a worker of this data folder has started (Linux). */
export async function engineUrlOf(dataFolder: string): Promise<string | undefined> {
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/u.test(entry)) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    const [, port] = /\0engine\0--port\0(\d+)\0--folder\0/u.exec(line) ?? [];
    if (port !== undefined && line.includes(dataFolder)) return `http://127.0.0.1:${port}`;
  }
  return undefined;
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
