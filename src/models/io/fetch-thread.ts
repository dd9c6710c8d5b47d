import { parentPort, workerData } from "node:worker_threads";

import { BlockPlan } from "../blocks.ts";
import { BlockFile } from "./block-file.ts";
import { Egress, type EgressOptions } from "./egress.ts";
import { packFault, type PackedFault } from "./fault-message.ts";
import type { FetchPatience } from "./fetch-options.ts";
import { fetchBlocks } from "./lanes.ts";

/** What `fetch-aside.ts` hands over. */
export interface FetchTask {
  /** Of the part file, open for writing; the thread never closes it. */
  readonly fd: number;
  readonly totalBytes: number;
  readonly blockBytes: number;
  /** A byte a block, 1 for those that are there already. */
  readonly done: Uint8Array;
  readonly url: string;
  readonly validator: string | null;
  readonly egress: EgressOptions;
  readonly patience: FetchPatience;
}

/** What it says meanwhile: blocks that are in the file, and the end, which is its last word. */
export type FetchNews =
  | { readonly kind: "block"; readonly block: number }
  | { readonly kind: "end"; readonly fault: PackedFault | null };

/** What it is told: that nobody wants the file any more. */
export type FetchOrder = "stop";

async function run(task: FetchTask, tell: (news: FetchNews) => void): Promise<void> {
  const { fd, totalBytes, blockBytes, done, url, validator, patience } = task;
  const stopping = new AbortController();
  parentPort?.once("message", () => stopping.abort(new Error("no longer wanted")));
  const plan = new BlockPlan(totalBytes, blockBytes, done);
  const file = new BlockFile(fd, plan, (block) => tell({ kind: "block", block }));
  const egress = new Egress(task.egress);
  const served = { url: new URL(url), totalBytes, validator };
  try {
    await fetchBlocks({ egress, served, file, patience, signal: stopping.signal });
    tell({ kind: "end", fault: null });
  } catch (thrown) {
    tell({ kind: "end", fault: packFault(thrown) });
  } finally {
    await egress.close();
    parentPort?.close();
  }
}

void run(workerData as FetchTask, (news) => parentPort?.postMessage(news, []));
