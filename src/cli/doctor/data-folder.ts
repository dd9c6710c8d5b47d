import { access, constants, stat, statfs } from "node:fs/promises";

import type { Settings } from "../../config/schema.ts";
import { formatBytes } from "../../kernel/bytes.ts";
import { errorMessage } from "../../kernel/errors.ts";
import type { Finding } from "./finding.ts";

const name = "data folder";
/** Less than this is soon filled by pictures and the database's log. */
const lowBytes = 1024 ** 3;

/** Whether the data folder can be written to, is private, and has space. */
export async function checkDataFolder(settings: Settings): Promise<Finding> {
  const { dataDir } = settings;
  try {
    const { mode } = await stat(dataDir);
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(dataDir);
    const freeBytes = bavail * bsize;
    const detail = `${dataDir}, ${formatBytes(freeBytes)} free`;
    if (freeBytes < lowBytes) {
      return {
        name,
        state: "warn",
        detail,
        hint: "Make space, or use another folder with --data.",
      };
    }
    if (process.platform !== "win32" && (mode & 0o002) !== 0) {
      const hint = `Anybody can write to it: chmod o-w ${dataDir}`;
      return { name, state: "fail", detail, hint };
    }
    return { name, state: "ok", detail };
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") {
      return { name, state: "ok", detail: `${dataDir}, made at the first start` };
    }
    const hint = "Run as the user who set it up, or use another folder with --data.";
    return { name, state: "fail", detail: errorMessage(thrown), hint };
  }
}
