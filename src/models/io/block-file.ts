import { writeSync } from "node:fs";

import type { BlockPlan } from "../blocks.ts";
import { diskFault } from "./faults.ts";

/**
 * A part file as the thread sees that fills it. Bytes are written as soon as they have come, while
 * the processor still has them at hand, and in the pieces in which they came: larger writes take
 * larger pages, which a virtual machine has to get from its host first. It blocks, which is what
 * holds the connections back where the disk is the slower part.
 */
export class BlockFile {
  readonly plan: BlockPlan;
  private readonly fd: number;
  private readonly onBlock: (block: number) => void;
  private waited = 0;

  constructor(fd: number, plan: BlockPlan, onBlock: (block: number) => void) {
    this.fd = fd;
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

  /** All of the block is written. */
  finish(block: number): void {
    this.plan.finish(block);
    this.onBlock(block);
  }
}
