import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";

import { checkFormat } from "./check-format.ts";
import type { Downloaded, DownloadTask } from "./download.ts";
import { diskFault, refused, unavailable } from "./faults.ts";

const bufferBytes = 4 * 1024 * 1024;

/** Copies a file of this machine or of a mounted volume. Errors as `download`. */
export async function copyFrom(
  task: Pick<DownloadTask, "path" | "sha256" | "bytes" | "signal" | "onProgress" | "onSize">,
  source: string,
): Promise<Omit<Downloaded, "from">> {
  const input = await open(source, "r").catch((cause: unknown) => {
    throw unavailable(source, "it cannot be read", cause);
  });
  try {
    const facts = await input.stat();
    if (!facts.isFile()) throw unavailable(source, "it is not a file");
    if (task.bytes !== null && task.bytes !== facts.size) {
      throw refused(source, `it has ${facts.size} bytes and not ${task.bytes}`);
    }
    const start = async (maxBytes: number): Promise<Buffer> => {
      const buffer = Buffer.alloc(Math.min(maxBytes, facts.size));
      await input.read(buffer, 0, buffer.length, 0);
      return buffer;
    };
    await checkFormat({ plan: { totalBytes: facts.size }, start }, source);
    await task.onSize(facts.size);
    const sha256 = await copyHashed(task, input, facts.size);
    if (task.sha256 !== null && task.sha256 !== sha256) {
      throw refused(source, `its sha256 is ${sha256} and not ${task.sha256}`);
    }
    return { sha256, bytes: facts.size, resumedBytes: 0 };
  } finally {
    await input.close();
  }
}

async function copyHashed(
  { path, signal, onProgress }: Pick<DownloadTask, "path" | "signal" | "onProgress">,
  input: FileHandle,
  totalBytes: number,
): Promise<string> {
  const output = await open(path, "w", 0o644);
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(bufferBytes);
  try {
    for (let at = 0; at < totalBytes;) {
      signal.throwIfAborted();
      const { bytesRead } = await input.read(buffer, 0, bufferBytes, at);
      if (bytesRead === 0) throw unavailable("The file", "it became shorter while it was copied");
      const bytes = buffer.subarray(0, bytesRead);
      hash.update(bytes);
      await output.writeFile(bytes);
      at += bytesRead;
      onProgress(at, totalBytes);
    }
    await output.datasync();
  } catch (thrown) {
    throw diskFault(thrown);
  } finally {
    await output.close();
  }
  return hash.digest("hex");
}
