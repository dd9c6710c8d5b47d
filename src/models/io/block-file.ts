import { writeSync } from "node:fs";

import type { BlockPlan } from "../blocks.ts";
import { diskFault } from "./faults.ts";
import { markBlock } from "./journal.ts";

export interface BlockFileOptions {
  /** Of the part file, open for writing. */
  readonly fd: number;
  readonly journalFd: number;
  readonly plan: BlockPlan;
  /** The block is in the file, and in the journal. */
  readonly onBlock: (block: number) => void;
}

/**
 * A part file as the thread sees that fills it. Bytes are written as soon as they have come, while
 * the processor still has them at hand, and in the pieces in which they came: larger writes take
 * larger pages, which a virtual machine has to get from its host first. It blocks, which is what
 * holds the connections back where the disk is the slower part.
 */
export class BlockFile {
  readonly plan: BlockPlan;
  private readonly fd: number;
  private readonly journalFd: number;
  private readonly onBlock: (block: number) => void;
  private waited = 0;

  constructor({ fd, journalFd, plan, onBlock }: BlockFileOptions) {
    this.fd = fd;
    this.journalFd = journalFd;
    this.plan = plan;
    this.onBlock = onBlock;
  }

  /** How long the disk has been waited for in all. */
  get waitedMs(): number {
    return this.waited;
  }

  /** Throws `disk_full`, or as the disk did. */
  write(position: number, bytes: Uint8Array): void {
    const startMs = performance.now();
    try {
      for (let done = 0; done < bytes.length;) {
        const count = writeSync(this.fd, bytes, done, bytes.length - done, position + done);
        if (count === 0) throw Object.assign(new Error("no room"), { code: "ENOSPC" });
        done += count;
      }
    } catch (thrown) {
      throw diskFault(thrown);
    } finally {
      this.waited += performance.now() - startMs;
    }
  }

  /** All of the block is written. Throws `disk_full`, or as the journal's disk did. */
  finish(block: number): void {
    try {
      markBlock(this.journalFd, block);
    } catch (thrown) {
      throw diskFault(thrown);
    }
    this.plan.finish(block);
    this.onBlock(block);
  }
}
