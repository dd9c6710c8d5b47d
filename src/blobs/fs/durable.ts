import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

import { absent, errorCodeOf } from "./failures.ts";

const maxTries = 5;

/**
 * Moves a finished file to its place; what is there is replaced at once. `made` is the highest
 * folder that was made for it, if any was.
 */
export async function moveInto(
  part: string,
  target: string,
  made: string | undefined,
): Promise<void> {
  const folder = dirname(target);
  let firstMade = made;
  // A deletion beside us may prune the folders before they are filled.
  for (let tries = 1; ; tries++) {
    try {
      await rename(part, target);
      break;
    } catch (thrown) {
      if (errorCodeOf(thrown) !== "ENOENT" || tries >= maxTries) throw thrown;
      firstMade = (await mkdirAgain(folder)) ?? firstMade;
    }
  }
  await syncFolders(folder, firstMade === undefined ? folder : dirname(firstMade));
}

async function mkdirAgain(folder: string): Promise<string | undefined> {
  try {
    return await mkdir(folder, { recursive: true });
  } catch (thrown) {
    if (errorCodeOf(thrown) !== "ENOENT") throw thrown;
    return undefined;
  }
}

/**
 * Folders are files too: the entries on the way down must outlive a power cut as well. All at once,
 * since a journal commits them together.
 */
async function syncFolders(lowest: string, highest: string): Promise<void> {
  const folders: string[] = [];
  for (let at = lowest; at.length >= highest.length; at = dirname(at)) {
    folders.push(at);
    if (at === dirname(at)) break;
  }
  await Promise.all(folders.map(syncFolder));
}

async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders and needs no such sync.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r").catch(absent);
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}
