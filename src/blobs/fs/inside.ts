import { realpathSync } from "node:fs";
import { dirname, sep } from "node:path";

import { absent } from "./failures.ts";

/**
 * Keys cannot climb out of the folder, but a symbolic link that somebody put there could lead out.
 * `root` is a real path; of `path` the part that exists is followed. Throws where it leaves `root`.
 * It blocks for the few microseconds that names take which the kernel remembers; the way through
 * the thread pool takes fifty times as long.
 */
export function requireInside(root: string, path: string): void {
  for (let at = path; at.length > root.length; at = dirname(at)) {
    const real = realPathOf(at);
    if (real === undefined) continue;
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw new Error(`"${path}" leads outside the blob folder`);
    }
    return;
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch (thrown) {
    return absent(thrown);
  }
}
