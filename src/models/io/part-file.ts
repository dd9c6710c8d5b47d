import { write } from "node:fs";
import { open, rm, stat, type FileHandle } from "node:fs/promises";
import { promisify } from "node:util";

import { BlockPlan } from "../blocks.ts";
import { diskFault } from "./faults.ts";
import { Journal, type PartIdentity } from "./journal.ts";

/** What a crash costs at most, for each connection; several to one request. */
export const blockBytes = 1024 * 1024;
/** Bytes received and not yet written; above this, connections wait. */
const maxPendingBytes = 16 * blockBytes;

/** Memory beyond this is left to the collector. */
const maxSpareBlocks = 32;

/**
 * What is written at a time. A larger write takes larger pages, and those are the ones that a
 * virtual machine has to get from its host first: it took twice as long there.
 */
const pieceBytes = 64 * 1024;

const writeSome = promisify(write);

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
  private readonly waiting = new Set<() => void>();
  /** Blocks' memory that waits to be used again. */
  private readonly spare: Buffer[] = [];
  private pendingBytes = 0;
  private fault: unknown;
  private lastWrite: Promise<void> = Promise.resolve();

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

  get isFull(): boolean {
    return this.pendingBytes > maxPendingBytes;
  }

  /** Calls back once when there is room again. */
  whenRoom(callback: () => void): void {
    this.waiting.add(callback);
  }

  /** Memory for a block; `write` takes it back. */
  memory(): Buffer {
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(this.plan.blockBytes);
  }

  /** Writes a block from memory that came from `memory`. Throws as `write` does. */
  async writeMemory(block: number, memory: Buffer, sizeBytes: number): Promise<void> {
    await this.write(block, [memory.subarray(0, sizeBytes)], sizeBytes);
    if (this.spare.length < maxSpareBlocks) this.spare.push(memory);
  }

  /** Writes one whole block; throws what a write, this or an earlier one, ended with. */
  async write(block: number, parts: readonly Uint8Array[], sizeBytes: number): Promise<void> {
    if (this.fault !== undefined) throw this.fault;
    this.pendingBytes += sizeBytes;
    try {
      await this.inTurn(() => this.put(block * this.plan.blockBytes, parts));
      await this.journal.mark(block);
    } catch (thrown) {
      this.fault ??= diskFault(thrown);
      throw this.fault;
    } finally {
      this.pendingBytes -= sizeBytes;
      if (!this.isFull) this.release();
    }
    const before = this.plan.frontierBytes;
    this.plan.finish(block);
    if (this.plan.frontierBytes > before) this.onFrontier(this.plan.frontierBytes);
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
    await Promise.all([this.handle.close(), this.journal.close()]);
  }

  /**
   * One write at a time: the kernel lets only one at a file anyway, and those that wait for it spin
   * on processors that the download needs.
   */
  private inTurn(write: () => Promise<void>): Promise<void> {
    const turn = this.lastWrite.then(write);
    this.lastWrite = turn.catch(() => undefined);
    return turn;
  }

  private async put(at: number, parts: readonly Uint8Array[]): Promise<void> {
    let position = at;
    for (const part of parts) {
      for (let done = 0; done < part.length;) {
        const count = Math.min(pieceBytes, part.length - done);
        const { bytesWritten } = await writeSome(this.handle.fd, part, done, count, position);
        // The disk is full where nothing goes through any more.
        if (bytesWritten === 0) throw Object.assign(new Error("no room"), { code: "ENOSPC" });
        done += bytesWritten;
        position += bytesWritten;
      }
    }
  }

  private release(): void {
    const callbacks = [...this.waiting];
    this.waiting.clear();
    for (const callback of callbacks) callback();
  }
}
