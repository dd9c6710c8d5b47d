import { formatBytes } from "../kernel/bytes.ts";
import type { Io } from "./output.ts";

const barWidth = 24;
const drawMs = 100;

/** A bar of full and empty blocks; `share` is between 0 and 1. */
export function bar(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * barWidth);
  return "█".repeat(filled) + "░".repeat(barWidth - filled);
}

/** One line on standard error that shows how far a transfer is; nothing where that is no terminal. */
export class TransferBar {
  private readonly io: Io;
  private readonly title: string;
  private readonly startMs = performance.now();
  private drawnMs = -Infinity;

  constructor(io: Io, title: string) {
    this.io = io;
    this.title = title;
  }

  show(doneBytes: number, totalBytes: number): void {
    const now = performance.now();
    if (this.io.stderr.isTTY !== true || now - this.drawnMs < drawMs) return;
    this.drawnMs = now;
    const share = totalBytes === 0 ? 0 : doneBytes / totalBytes;
    const rate = (doneBytes * 1_000) / Math.max(1, now - this.startMs);
    const percent = `${Math.floor(share * 100)}`.padStart(3);
    const amounts = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}, ${formatBytes(rate)}/s`;
    const line = `${bar(share)} ${percent} %  ${amounts}  ${this.title}`;
    const columns = Math.max(20, (this.io.stderr.columns ?? 80) - 1);
    this.io.stderr.write(`\r\u001b[K${Array.from(line).slice(0, columns).join("")}`);
  }

  /** Leaves the line empty. */
  clear(): void {
    if (this.io.stderr.isTTY === true) this.io.stderr.write("\r\u001b[K");
  }
}
