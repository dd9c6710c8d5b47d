import { appendFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One entry of a card's journal: who held how much after a change, or tried to hold too much. */
export interface CardEntry {
  readonly atMs: number;
  /** The process that did it. */
  readonly holder: string;
  readonly kind: "holds" | "out_of_memory";
  /** What the process is running, if it does. */
  readonly running: string | null;
  readonly bytes: number;
  /** Of all processes together. */
  readonly sumBytes: number;
}

/**
 * A graphics card that several processes pretend to share: a folder with a file for each process
 * that says how much it holds. It refuses what does not fit, and keeps a journal of all that
 * happened, so that a test need not believe anybody's book.
 */
export class PretendCard {
  readonly folder: string;
  readonly totalBytes: number;
  private readonly holder: string;

  constructor(folder: string, totalBytes: number, holder: string) {
    this.folder = folder;
    this.totalBytes = totalBytes;
    this.holder = holder;
    mkdirSync(folder, { recursive: true });
  }

  get usedBytes(): number {
    return this.sum();
  }

  /** Holds exactly so much from now on; false, and unchanged, where the card has not that much. */
  hold(bytes: number, running: string | null): boolean {
    const before = this.ownBytes();
    // Written before it is summed up: of two that race for the last bytes none may overlook both.
    this.write(bytes);
    const sumBytes = this.sum();
    const fits = sumBytes <= this.totalBytes;
    if (!fits) this.write(before);
    const kind = fits ? "holds" : "out_of_memory";
    this.note({ atMs: Date.now(), holder: this.holder, kind, running, bytes, sumBytes });
    return fits;
  }

  private ownBytes(): number {
    return heldIn(this.file());
  }

  private sum(): number {
    const files = readdirSync(this.folder).filter((name) => name.endsWith(".held"));
    return files.map((name) => heldIn(join(this.folder, name))).reduce((a, b) => a + b, 0);
  }

  private write(bytes: number): void {
    writeFileSync(this.file(), `${process.pid} ${bytes}`);
  }

  private file(): string {
    return join(this.folder, `${this.holder}.held`);
  }

  private note(entry: CardEntry): void {
    appendFileSync(journalOf(this.folder), `${JSON.stringify(entry)}\n`);
  }
}

export function readJournal(folder: string): readonly CardEntry[] {
  const lines = readFileSync(journalOf(folder), "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as CardEntry);
}

function journalOf(folder: string): string {
  return join(folder, "journal.jsonl");
}

/** With the end of a process, however it ended, its memory is free: the driver sees to that. */
function heldIn(file: string): number {
  try {
    const [pid, bytes] = readFileSync(file, "utf8").split(" ").map(Number);
    if (pid === undefined || bytes === undefined) return 0;
    process.kill(pid, 0);
    return bytes;
  } catch {
    return 0;
  }
}
