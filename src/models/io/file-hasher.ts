import { Worker } from "node:worker_threads";

import type { HashTask } from "./hash-thread.ts";

/**
 * The SHA-256 of a file that is still arriving, computed in a thread of its own: on the main one it
 * would take as long as the network does.
 */
export class FileHasher {
  private readonly shared = new SharedArrayBuffer(8);
  private readonly frontier = new BigInt64Array(this.shared);
  private readonly worker: Worker;
  private readonly result: Promise<string>;

  constructor(path: string, totalBytes: number) {
    const digest = new SharedArrayBuffer(32);
    const task: HashTask = { path, totalBytes, frontier: this.shared, digest };
    // With the environment of now: an installed package adds a loader to it.
    const options = { workerData: task, env: process.env };
    this.worker = new Worker(new URL("./hash-thread.ts", import.meta.url), options);
    this.result = new Promise((resolve, reject) => {
      this.worker.once("error", reject).once("exit", () => {
        // A copy: what is shared has no text.
        resolve(Buffer.from(new Uint8Array(digest)).toString("hex"));
      });
    });
    // Whoever gives up does not ask for the result.
    this.result.catch(() => undefined);
  }

  /** The file is complete up to here. */
  advance(bytes: number): void {
    Atomics.store(this.frontier, 0, BigInt(bytes));
    Atomics.notify(this.frontier, 0);
  }

  /** In 64 hex digits, once the frontier has reached the end. */
  digest(): Promise<string> {
    return this.result;
  }

  async close(): Promise<void> {
    this.advance(-1);
    await this.worker.terminate();
  }
}

/** The SHA-256 of a whole file, in 64 hex digits. */
export async function hashFile(path: string, totalBytes: number): Promise<string> {
  const hasher = new FileHasher(path, totalBytes);
  try {
    hasher.advance(totalBytes);
    return await hasher.digest();
  } finally {
    await hasher.close();
  }
}
