import { Worker } from "node:worker_threads";

import type { Egress } from "./egress.ts";
import { unpackFault } from "./fault-message.ts";
import type { FetchPatience } from "./fetch-options.ts";
import type { Served } from "./fetch-span.ts";
import type { FetchNews, FetchOrder, FetchTask } from "./fetch-thread.ts";
import type { PartFile } from "./part-file.ts";

export interface FetchAsideOptions {
  readonly egress: Egress;
  readonly served: Served;
  readonly part: PartFile;
  readonly patience: FetchPatience;
  readonly signal: AbortSignal;
}

/**
 * Brings all blocks that a part file lacks, in a thread of its own that receives and writes; here
 * they are noted. Rejects with a `RequestFault`, a disk fault, or the abort; what has arrived stays.
 */
export async function fetchAside(options: FetchAsideOptions): Promise<void> {
  const { egress, served, part, patience, signal } = options;
  signal.throwIfAborted();
  const { totalBytes, blockBytes } = part.plan;
  const { validator } = served;
  const where = { url: served.url.href, validator, egress: egress.options };
  const task: FetchTask = {
    fd: part.fd,
    journalFd: part.journalFd,
    totalBytes,
    blockBytes,
    done: part.plan.doneBlocks(),
    ...where,
    patience,
  };
  // With the environment of now: an installed package adds a loader to it.
  const settings = { workerData: task, env: process.env };
  const thread = new Worker(new URL("./fetch-thread.ts", import.meta.url), settings);
  const stop = (): void => thread.postMessage("stop" satisfies FetchOrder, []);
  signal.addEventListener("abort", stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      thread.once("error", reject).once("exit", () => reject(new Error("the thread has ended")));
      thread.on("message", (news: FetchNews) => {
        if (news.kind === "end") {
          if (news.fault === null) resolve();
          else reject(unpackFault(news.fault));
          return;
        }
        part.note(news.blocks);
      });
    });
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  } finally {
    signal.removeEventListener("abort", stop);
    // It must not write to a file that others have opened under the same number.
    await thread.terminate();
  }
}
