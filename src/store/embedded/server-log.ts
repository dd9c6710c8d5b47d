import { copyFile, open, stat, truncate, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

/** Two files of this size at most, apart from what one check interval adds. */
const maxLogBytes = 8 * 1024 * 1024;
const maxTailBytes = 4096;

/** The file that takes what Postgres writes to standard error. */
export class ServerLog {
  readonly path: string;

  constructor(serverHome: string) {
    this.path = join(serverHome, "server.log");
  }

  /** Opened to append: the server goes on at the new end when the file is cut. */
  async open(): Promise<FileHandle> {
    return open(this.path, "a", 0o600);
  }

  async sizeBytes(): Promise<number> {
    return stat(this.path).then(
      (found) => found.size,
      () => 0,
    );
  }

  /** Moves a full log aside, in place of the one moved aside before. */
  async rotateIfFull(limitBytes: number = maxLogBytes): Promise<boolean> {
    if ((await this.sizeBytes()) <= limitBytes) return false;
    await copyFile(this.path, `${this.path}.1`);
    await truncate(this.path, 0);
    return true;
  }

  /** The last lines written after `fromByte`. */
  async tail(fromByte: number): Promise<string> {
    const size = await this.sizeBytes();
    const start = Math.max(fromByte, size - maxTailBytes);
    if (size <= start) return "";
    const file = await open(this.path, "r");
    try {
      const { buffer, bytesRead } = await file.read({
        buffer: Buffer.alloc(size - start),
        position: start,
      });
      return buffer.toString("utf8", 0, bytesRead).trim();
    } finally {
      await file.close();
    }
  }
}
