import { open } from "node:fs/promises";

import { pause } from "../retry.ts";

const bufferBytes = 4 * 1024 * 1024;
/** Between reads: the job that runs comes first. */
const restMs = 10;

/** Reads a file through, so that the page cache has it. Throws the abort, or what reading throws. */
export async function readThrough(path: string, signal: AbortSignal): Promise<void> {
  const handle = await open(path, "r");
  const buffer = Buffer.allocUnsafe(bufferBytes);
  try {
    for (let at = 0; ;) {
      const { bytesRead } = await handle.read(buffer, 0, bufferBytes, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      await pause(restMs, signal);
    }
  } finally {
    await handle.close();
  }
}
