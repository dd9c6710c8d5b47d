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
  readonly journalFd: number;
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
  | { readonly kind: "blocks"; readonly blocks: readonly number[] }
  | { readonly kind: "end"; readonly fault: PackedFault | null };

/** What it is told: that nobody wants the file any more. */
export type FetchOrder = "stop";

/** What arrives in one turn is told at once: a message takes longer than many a block. */
class BlockNews {
  private readonly tell: (news: FetchNews) => void;
  private blocks: number[] = [];

  constructor(tell: (news: FetchNews) => void) {
    this.tell = tell;
  }

  add(block: number): void {
    if (this.blocks.push(block) === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.blocks.length === 0) return;
    this.tell({ kind: "blocks", blocks: this.blocks });
    this.blocks = [];
  }
}

async function run(task: FetchTask, tell: (news: FetchNews) => void): Promise<void> {
  const { fd, journalFd, totalBytes, blockBytes, done, url, validator, patience } = task;
  const stopping = new AbortController();
  parentPort?.once("message", () => stopping.abort(new Error("no longer wanted")));
  const plan = new BlockPlan(totalBytes, blockBytes, done);
  const news = new BlockNews(tell);
  const file = new BlockFile({ fd, journalFd, plan, onBlock: (block) => news.add(block) });
  const egress = new Egress(task.egress);
  const served = { url: new URL(url), totalBytes, validator };
  try {
    await fetchBlocks({ egress, served, file, patience, signal: stopping.signal });
    news.flush();
    tell({ kind: "end", fault: null });
  } catch (thrown) {
    news.flush();
    tell({ kind: "end", fault: packFault(thrown) });
  } finally {
    await egress.close();
    parentPort?.close();
  }
}

void run(workerData as FetchTask, (each) => parentPort?.postMessage(each, []));
