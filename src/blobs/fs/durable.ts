import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { errorCodeOf } from "./failures.ts";
import { requireInside } from "./inside.ts";

/** A file to be put in its place. */
export interface Placement {
  /** The real path of the folder that it may not leave. */
  readonly root: string;
  /** Where it is first; a new file of `bytes` where these are given. */
  readonly part: string;
  /** Where it goes; what is there is replaced at once. */
  readonly target: string;
  readonly bytes?: Uint8Array;
}

const maxTries = 5;

/**
 * Writes and syncs the part where its bytes are given, moves it to its place and syncs the folders
 * on the way down: they are files too, and must outlive a power cut as well. It blocks, and is for a
 * thread of its own: a dozen trips through the thread pool take longer than the disk does.
 */
export function place({ root, part, target, bytes }: Placement): void {
  if (bytes !== undefined) writePart(part, bytes);
  const folder = dirname(target);
  requireInside(root, folder);
  let firstMade = mkdirSync(folder, { recursive: true });
  // A deletion beside us may prune the folders before they are filled.
  for (let tries = 1; ; tries++) {
    try {
      renameSync(part, target);
      break;
    } catch (thrown) {
      if (errorCodeOf(thrown) !== "ENOENT" || tries >= maxTries) throw thrown;
      firstMade = makeAgain(folder) ?? firstMade;
    }
  }
  syncFolders(folder, firstMade === undefined ? folder : dirname(firstMade));
}

function writePart(part: string, bytes: Uint8Array): void {
  const file = openSync(part, "wx");
  try {
    writeFileSync(file, bytes);
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}

function makeAgain(folder: string): string | undefined {
  try {
    return mkdirSync(folder, { recursive: true });
  } catch (thrown) {
    if (errorCodeOf(thrown) !== "ENOENT") throw thrown;
    return undefined;
  }
}

function syncFolders(lowest: string, highest: string): void {
  // Windows opens no folders and needs no such sync.
  if (process.platform === "win32") return;
  for (let at = lowest; at.length >= highest.length; at = dirname(at)) {
    syncFolder(at);
    if (at === dirname(at)) break;
  }
}

/** One that is gone again has nothing to keep. */
function syncFolder(folder: string): void {
  let handle: number | undefined;
  try {
    handle = openSync(folder, "r");
    fsyncSync(handle);
  } catch (thrown) {
    if (errorCodeOf(thrown) !== "ENOENT") throw thrown;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
