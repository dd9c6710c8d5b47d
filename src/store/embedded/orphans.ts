import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";

import {
  commandLineOf,
  identifyProcess,
  signalProcess,
  waitForExit,
  type ProcessIdentity,
} from "./process-identity.ts";

const orphanExitMs = 5_000;

/** Appears in the title of every process of the server of one data folder. */
export function clusterNameOf(dataFolder: string): string {
  return `hearth-${createHash("sha256").update(dataFolder).digest("hex").slice(0, 16)}`;
}

/**
 * Ends the processes of a server whose first process was killed: one in a long query does not
 * notice that, and keeps a new server from starting. Only for a caller that knows that no server
 * runs on the folder. Linux only; elsewhere their query has to end first. Returns how many.
 */
export async function endOrphans(dataFolder: string): Promise<number> {
  const orphans = await findOrphans(`postgres: ${clusterNameOf(dataFolder)}: `);
  // Their shared memory is lost already, so there is nothing to end in good order.
  await Promise.all(orphans.map((orphan) => signalProcess(orphan, "SIGKILL")));
  await Promise.all(orphans.map((orphan) => waitForExit(orphan, orphanExitMs)));
  return orphans.length;
}

async function findOrphans(titleStart: string): Promise<readonly ProcessIdentity[]> {
  if (process.platform !== "linux") return [];
  const orphans: ProcessIdentity[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/u.test(name)) continue;
    // The identity first: should the number pass on in between, no signal will be sent.
    const identity = await identifyProcess(Number(name));
    if (identity === undefined) continue;
    const title = await commandLineOf(identity.pid);
    if (title?.startsWith(titleStart) === true) orphans.push(identity);
  }
  return orphans;
}
