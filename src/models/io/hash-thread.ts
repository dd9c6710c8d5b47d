import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { workerData } from "node:worker_threads";

/** What `file-hasher.ts` hands over. */
export interface HashTask {
  readonly path: string;
  readonly totalBytes: number;
  /** One 64-bit number: how far the file is complete; negative to give up. */
  readonly frontier: SharedArrayBuffer;
  /** Holds the 32 bytes of the hash when the thread has ended well. */
  readonly digest: SharedArrayBuffer;
}

const bufferBytes = 1024 * 1024;

/** Hashes a file in order while it grows; what arrived a moment ago is still in the page cache. */
function hashAsItGrows({ path, totalBytes, frontier, digest }: HashTask): void {
  const shared = new BigInt64Array(frontier);
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(bufferBytes);
  const fd = openSync(path, "r");
  try {
    for (let at = 0; at < totalBytes;) {
      const known = Atomics.load(shared, 0);
      if (known < 0n) return;
      const readyBytes = Number(known) - at;
      if (readyBytes <= 0) {
        Atomics.wait(shared, 0, known);
        continue;
      }
      const count = readSync(fd, buffer, 0, Math.min(bufferBytes, readyBytes), at);
      if (count === 0) throw new Error("the file became shorter");
      hash.update(buffer.subarray(0, count));
      at += count;
    }
    new Uint8Array(digest).set(hash.digest());
  } finally {
    closeSync(fd);
  }
}

hashAsItGrows(workerData as HashTask);
