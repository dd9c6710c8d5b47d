import { stripVTControlCharacters } from "node:util";

import type { AttemptLog } from "../protocol/worker-link.ts";

/** How much of a log goes with an attempt. */
export const logTailBytes = 65_536;

/** The end of what a process wrote, in bounded memory, with places to read on from. */
export class LogTail {
  private chunks: Buffer[] = [];
  private heldBytes = 0;
  private writtenBytes = 0;
  private readonly capacityBytes: number;

  constructor(capacityBytes = 4 * logTailBytes) {
    this.capacityBytes = capacityBytes;
  }

  write(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.heldBytes += chunk.length;
    this.writtenBytes += chunk.length;
    while (this.heldBytes - (this.chunks[0]?.length ?? 0) >= this.capacityBytes) {
      this.heldBytes -= this.chunks.shift()?.length ?? 0;
    }
  }

  /** The place after all that was written so far. */
  get mark(): number {
    return this.writtenBytes;
  }

  /** What was written after `mark`, at most the last `maxBytes`; null when nothing was. */
  since(mark: number, maxBytes = logTailBytes): AttemptLog | null {
    const wanted = this.writtenBytes - mark;
    if (wanted <= 0) return null;
    const kept = Math.min(wanted, maxBytes, this.heldBytes);
    const bytes = Buffer.concat(this.chunks).subarray(this.heldBytes - kept);
    return { text: decodeTail(bytes), truncated: kept < wanted };
  }
}

/** The last `maxBytes` of a text as an attempt's log; null for an empty one. */
export function tailOf(text: string, maxBytes = logTailBytes): AttemptLog | null {
  if (text === "") return null;
  const bytes = Buffer.from(text);
  const truncated = bytes.length > maxBytes;
  return { text: decodeTail(truncated ? bytes.subarray(-maxBytes) : bytes), truncated };
}

/** Decodes bytes whose first character may have been cut in two, as plain text. */
function decodeTail(bytes: Uint8Array): string {
  let start = 0;
  while (start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  // Colours and cursor movements would act on whatever terminal shows the log.
  return stripVTControlCharacters(new TextDecoder().decode(bytes.subarray(start)));
}
