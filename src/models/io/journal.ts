import { writeSync } from "node:fs";
import { open, readFile, rm, type FileHandle } from "node:fs/promises";

import { isJsonObject, parseJson } from "../../kernel/json.ts";

/** What a partial file is a part of. */
export interface PartIdentity {
  readonly totalBytes: number;
  readonly blockBytes: number;
  /**
   * What makes two replies parts of the same bytes: the file's expected hash, else the server's
   * validator. Null: nothing does, and a partial file is of no use to anybody.
   */
  readonly validator: string | null;
}

/** The header's place; blocks follow, a byte each. */
const headerBytes = 1_024;
const there = Uint8Array.of(1);

/** Notes a block in the journal that `fd` is of; it survives the death of this process from then on. */
export function markBlock(fd: number, block: number): void {
  writeSync(fd, there, 0, 1, headerBytes + block);
}

/** Remembers which blocks of a partial file are there, so that a crash costs no more than those. */
export class Journal {
  private readonly handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** The blocks that an earlier journal vouches for; undefined where it does not fit. */
  static async read(path: string, identity: PartIdentity): Promise<Uint8Array | undefined> {
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined || bytes.length < headerBytes || identity.validator === null) {
      return undefined;
    }
    const parsed = parseJson(bytes.toString("utf8", 0, headerBytes).trimEnd(), { maxDepth: 2 });
    if (!parsed.ok || !isJsonObject(parsed.value)) return undefined;
    const { value } = parsed;
    const fits =
      value["totalBytes"] === identity.totalBytes &&
      value["blockBytes"] === identity.blockBytes &&
      value["validator"] === identity.validator &&
      // After a power cut the journal may be ahead of the file.
      value["boot"] === (await bootId());
    return fits ? bytes.subarray(headerBytes) : undefined;
  }

  /** Opens a journal, empty or with the blocks that `done` names. */
  static async create(path: string, identity: PartIdentity, done?: Uint8Array): Promise<Journal> {
    const header = JSON.stringify({ ...identity, boot: await bootId() });
    await rm(path, { force: true });
    const handle = await open(path, "wx", 0o600);
    const blocks = Buffer.alloc(Math.ceil(identity.totalBytes / identity.blockBytes));
    if (done !== undefined) blocks.set(done.subarray(0, blocks.length));
    await handle.write(Buffer.concat([Buffer.from(header.padEnd(headerBytes)), blocks]), 0);
    return new Journal(handle);
  }

  /** For `markBlock`. */
  get fd(): number {
    return this.handle.fd;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

let boot: Promise<string> | undefined;

/** Changes with every start of the machine; where it cannot be known, with every process. */
function bootId(): Promise<string> {
  boot ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => `${process.pid}-${performance.timeOrigin}`,
  );
  return boot;
}
