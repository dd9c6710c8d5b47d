import { RangeConnection, StaleConnection, type ReplySink } from "./range-connection.ts";
import type { Span } from "../blocks.ts";
import type { Egress } from "./egress.ts";
import type { PartFile } from "./part-file.ts";
import { RequestFault, parseContentRange, replyFacts } from "./replies.ts";
import type { ReplyHead } from "./reply-head.ts";

/** An encoded reply would have other offsets than the file. */
export const fixedHeaders = { "accept-encoding": "identity", "user-agent": "hearth" } as const;

/** Where a file is served, after all redirections. */
export interface Served {
  readonly url: URL;
  readonly totalBytes: number;
  readonly validator: string | null;
}

/** One connection's requests for spans of a file, one after another. */
export class SpanFetcher {
  private readonly egress: Egress;
  private readonly served: Served;
  private readonly part: PartFile;
  private connection: RangeConnection | undefined;
  private blockMs = performance.now();

  constructor(egress: Egress, served: Served, part: PartFile) {
    this.egress = egress;
    this.served = served;
    this.part = part;
  }

  /** How long since the last whole block; 0 while the disk is what everybody waits for. */
  get slowMs(): number {
    if (this.connection?.isWaitingForDisk === true) this.blockMs = performance.now();
    return performance.now() - this.blockMs;
  }

  /**
   * Brings the blocks of a span into the file. Rejects with `RequestFault`, a disk fault, or what
   * `abort` was called with.
   */
  async fetch(span: Span): Promise<void> {
    this.blockMs = performance.now();
    const first = span.next;
    const sink = new SpanSink(this.served, this.part, span, () => {
      this.blockMs = performance.now();
    });
    try {
      await this.open().ask(this.requestFor(span), sink);
    } catch (thrown) {
      // Closed by the server between two requests: nothing was lost but the connection.
      if (!(thrown instanceof StaleConnection) || span.next > first) throw await sink.end(thrown);
      await this.open()
        .ask(this.requestFor(span), sink)
        .catch(async (again: unknown) => {
          throw await sink.end(again);
        });
    }
    const fault = await sink.end(undefined);
    if (fault !== undefined) throw fault;
  }

  abort(reason: Error): void {
    this.connection?.close(reason);
  }

  private open(): RangeConnection {
    if (this.connection?.isFree !== true) {
      this.connection?.close();
      this.connection = new RangeConnection(this.egress, this.served.url);
    }
    return this.connection;
  }

  private requestFor(span: Span): string {
    const { url, validator } = this.served;
    const { plan } = this.part;
    const headers = {
      host: url.host,
      ...fixedHeaders,
      ...this.egress.headersFor(url),
      range: `bytes=${span.next * plan.blockBytes}-${plan.endOf(span.end - 1) - 1}`,
      ...(validator !== null && { "if-range": validator }),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const text = [`GET ${url.pathname}${url.search} HTTP/1.1`, ...lines];
    if (text.some((line) => /[\r\n\0]/u.test(line))) {
      throw new RequestFault("denied", "a header of the request would hold a line break");
    }
    return `${text.join("\r\n")}\r\n\r\n`;
  }
}

/** Takes a reply into the blocks of a span. */
class SpanSink implements ReplySink {
  private readonly served: Served;
  private readonly part: PartFile;
  private readonly span: Span;
  private readonly onBlock: () => void;
  private memory: Buffer | undefined;
  private memoryBytes = 0;
  private readonly writes = new Set<Promise<void>>();
  private fault: unknown;

  constructor(served: Served, part: PartFile, span: Span, onBlock: () => void) {
    this.served = served;
    this.part = part;
    this.span = span;
    this.onBlock = onBlock;
  }

  /** Also where the rest went to another connection meanwhile. */
  get isDone(): boolean {
    return this.span.next >= this.span.end;
  }

  /** The file must not be closed under a write. Returns what to reject with: a disk fault first. */
  async end(fault: unknown): Promise<unknown> {
    await Promise.allSettled(this.writes);
    return this.fault ?? fault;
  }

  onHead({ status, headers }: ReplyHead): void {
    const { isPart, totalBytes } = replyFacts(status, headers);
    if (!isPart || totalBytes !== this.served.totalBytes) {
      throw new RequestFault("changed", "the file on the server has changed");
    }
    const { first } = parseContentRange(headers["content-range"]);
    if (first !== this.span.next * this.part.plan.blockBytes) {
      throw new RequestFault("denied", "the server sent another range than was asked for");
    }
  }

  place(): Uint8Array {
    this.memory ??= this.part.memory();
    return this.memory.subarray(this.memoryBytes, this.sizeBytes);
  }

  advance(count: number): void {
    if (this.fault !== undefined) throw this.fault;
    this.memoryBytes += count;
    const { memory, sizeBytes } = this;
    if (this.memoryBytes < sizeBytes || memory === undefined) return;
    const write = this.part.writeMemory(this.span.next++, memory, sizeBytes);
    [this.memory, this.memoryBytes] = [undefined, 0];
    this.onBlock();
    this.writes.add(write);
    void write.then(
      () => this.writes.delete(write),
      (thrown: unknown) => {
        this.fault ??= thrown;
      },
    );
  }

  room(): Promise<void> | undefined {
    if (!this.part.isFull) return undefined;
    return new Promise((resolve) => this.part.whenRoom(resolve));
  }

  /** Of the block at hand. */
  private get sizeBytes(): number {
    const { plan } = this.part;
    return plan.endOf(this.span.next) - this.span.next * plan.blockBytes;
  }
}
