import { open, rm, stat, type FileHandle } from "node:fs/promises";

import { BlockPlan } from "../blocks.ts";
import { diskFault } from "./faults.ts";
import { Journal, markBlock, type PartIdentity } from "./journal.ts";

/** What a crash costs at most, for each connection; several to one request. */
export const blockBytes = 1024 * 1024;

/** After so much the disk is asked to take what it has not taken yet. */
const flushBytes = 128 * blockBytes;

export interface PartFileOptions {
  readonly path: string;
  readonly journalPath: string;
  readonly identity: PartIdentity;
  /** The file is complete up to here. */
  readonly onFrontier: (bytes: number) => void;
}

/** A file that arrives in blocks, in any order, and can be gone on with after a crash. */
export class PartFile {
  readonly plan: BlockPlan;
  /** Bytes that were there before. */
  readonly resumedBytes: number;
  private readonly handle: FileHandle;
  private readonly journal: Journal;
  private readonly onFrontier: (bytes: number) => void;
  private fault: unknown;
  private flushedBytes = 0;
  private flushing: Promise<void> | undefined;

  private constructor(
    handle: FileHandle,
    journal: Journal,
    plan: BlockPlan,
    options: PartFileOptions,
  ) {
    this.handle = handle;
    this.journal = journal;
    this.plan = plan;
    this.resumedBytes = plan.doneBytes;
    this.onFrontier = options.onFrontier;
  }

  /** Opens what an earlier download of the same bytes left, or begins anew. */
  static async open(options: PartFileOptions): Promise<PartFile> {
    const { path, journalPath, identity } = options;
    const { totalBytes } = identity;
    const size = (await stat(path).catch(() => undefined))?.size;
    const done = size === totalBytes ? await Journal.read(journalPath, identity) : undefined;
    if (done === undefined) await rm(path, { force: true });
    const handle = await open(path, done === undefined ? "wx+" : "r+", 0o644);
    try {
      await handle.truncate(totalBytes);
      const journal = await Journal.create(journalPath, identity, done);
      const plan = new BlockPlan(totalBytes, identity.blockBytes, done);
      return new PartFile(handle, journal, plan, options);
    } catch (thrown) {
      await handle.close();
      throw diskFault(thrown);
    }
  }

  /** For the thread that writes into it. */
  get fd(): number {
    return this.handle.fd;
  }

  get journalFd(): number {
    return this.journal.fd;
  }

  /** Writes one whole block; throws what a write, this or an earlier one, ended with. */
  async write(block: number, parts: readonly Uint8Array[]): Promise<void> {
    if (this.fault !== undefined) throw this.fault;
    try {
      await this.put(block * this.plan.blockBytes, parts);
      markBlock(this.journalFd, block);
    } catch (thrown) {
      this.fault ??= diskFault(thrown);
      throw this.fault;
    }
    this.note([block]);
  }

  /** The blocks are in the file and in its journal. */
  note(blocks: readonly number[]): void {
    const before = this.plan.frontierBytes;
    for (const block of blocks) this.plan.finish(block);
    if (this.plan.frontierBytes > before) this.onFrontier(this.plan.frontierBytes);
    if (this.plan.doneBytes - this.flushedBytes >= flushBytes) this.flush();
  }

  /** Sends to the disk what has come, so that not all of it is waited for in the end. */
  private flush(): void {
    if (this.flushing !== undefined) return;
    this.flushedBytes = this.plan.doneBytes;
    // Whatever goes wrong here goes wrong in `sync` again.
    this.flushing = this.handle
      .datasync()
      .catch(() => undefined)
      .finally(() => {
        this.flushing = undefined;
      });
  }

  /** Reads the beginning, as much as there is of it. */
  async start(maxBytes: number): Promise<Buffer> {
    const buffer = Buffer.alloc(Math.min(maxBytes, this.plan.totalBytes));
    await this.handle.read(buffer, 0, buffer.length, 0);
    return buffer;
  }

  /** Resolves when the disk has it. */
  async sync(): Promise<void> {
    await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.flushing;
    await Promise.all([this.handle.close(), this.journal.close()]);
  }

  private async put(at: number, parts: readonly Uint8Array[]): Promise<void> {
    let position = at;
    for (const part of parts) {
      for (let done = 0; done < part.length;) {
        const left = part.length - done;
        const { bytesWritten } = await this.handle.write(part, done, left, position);
        if (bytesWritten === 0) throw Object.assign(new Error("no room"), { code: "ENOSPC" });
        done += bytesWritten;
        position += bytesWritten;
      }
    }
  }
}
