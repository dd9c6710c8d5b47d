import { realpath } from "node:fs/promises";
import { dirname, sep } from "node:path";

import { absent } from "./failures.ts";

/**
 * Keys cannot climb out of the folder, but a symbolic link that somebody put there could lead out.
 * `root` is a real path; of `path` the part that exists is followed. Throws where it leaves `root`.
 */
export async function requireInside(root: string, path: string): Promise<void> {
  for (let at = path; at.length > root.length; at = dirname(at)) {
    const real = await realpath(at).catch(absent);
    if (real === undefined) continue;
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw new Error(`"${path}" leads outside the blob folder`);
    }
    return;
  }
}
