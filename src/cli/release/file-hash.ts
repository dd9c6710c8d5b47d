import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";

import { formatBytes } from "../../kernel/bytes.ts";
import type { Io } from "../output.ts";

const barWidth = 24;

/** Hashes a file, with a progress bar on a terminal: gigabytes take a while. */
export async function sha256OfFile(path: string, io: Io): Promise<string> {
  const hash = createHash("sha256");
  const { size } = await stat(path);
  const { stderr } = io;
  let doneBytes = 0;
  let shown = -1;
  for await (const part of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(part);
    doneBytes += part.length;
    const percent = Math.floor((doneBytes / size) * 100);
    if (stderr.isTTY !== true || percent === shown) continue;
    shown = percent;
    const filled = Math.round((percent / 100) * barWidth);
    const bar = "█".repeat(filled) + "░".repeat(barWidth - filled);
    stderr.write(
      `\r${bar} ${String(percent).padStart(3)} %  hashing ${basename(path)} (${formatBytes(size)})`,
    );
  }
  if (shown !== -1) stderr.write("\r\u001b[K");
  return hash.digest("hex");
}
