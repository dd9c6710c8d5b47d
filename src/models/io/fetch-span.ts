import { RangeConnection, StaleConnection, type ReplySink } from "./range-connection.ts";
import type { Span } from "../blocks.ts";
import type { Egress } from "./egress.ts";
import type { BlockFile } from "./block-file.ts";
import { RequestFault, parseContentRange, replyFacts } from "./replies.ts";
import type { ReplyHead } from "./reply-head.ts";

/** An encoded reply would have other offsets than the file. */
export const fixedHeaders = { "accept-encoding": "identity", "user-agent": "hearth" } as const;

/**
 * What one read may bring: as much as stays close to the processor until it is written, and no
 * larger pages than that: 256 KiB took one and a half times as long, 16 KiB costs calls.
 */
const memoryBytes = 32 * 1024;

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
  private readonly file: BlockFile;
  private readonly memory = Buffer.allocUnsafeSlow(memoryBytes);
  private connection: RangeConnection | undefined;
  private blockMs = performance.now();
  private waitedMs = 0;

  constructor(egress: Egress, served: Served, file: BlockFile) {
    this.egress = egress;
    this.served = served;
    this.file = file;
  }

  /** How long since the last whole block, without what the disk took. */
  get slowMs(): number {
    return performance.now() - this.blockMs - (this.file.waitedMs - this.waitedMs);
  }

  /**
   * Brings the blocks of a span into the file. Rejects with `RequestFault`, a disk fault, or what
   * `abort` was called with.
   */
  async fetch(span: Span): Promise<void> {
    this.noteBlock();
    const first = span.next;
    const { served, file, memory } = this;
    const sink = new SpanSink({ served, file, span, memory, onBlock: () => this.noteBlock() });
    try {
      const text = await this.requestFor(span);
      await this.open().ask(text, sink);
    } catch (thrown) {
      // Closed by the server between two requests: nothing was lost but the connection.
      if (!(thrown instanceof StaleConnection) || span.next > first) throw thrown;
      const text = await this.requestFor(span);
      await this.open().ask(text, sink);
    }
  }

  abort(reason: Error): void {
    this.connection?.close(reason);
  }

  private noteBlock(): void {
    this.blockMs = performance.now();
    this.waitedMs = this.file.waitedMs;
  }

  private open(): RangeConnection {
    if (this.connection?.isFree !== true) {
      this.connection?.close();
      this.connection = new RangeConnection(this.egress, this.served.url);
    }
    return this.connection;
  }

  private async requestFor(span: Span): Promise<string> {
    const { url, validator } = this.served;
    const { plan } = this.file;
    const headers = {
      host: url.host,
      ...fixedHeaders,
      ...(await this.egress.headersFor(url)),
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

interface SpanParts {
  readonly served: Served;
  readonly file: BlockFile;
  readonly span: Span;
  /** Where bytes are received, and written from at once. */
  readonly memory: Buffer;
  readonly onBlock: () => void;
}

/** Takes a reply into the blocks of a span. */
class SpanSink implements ReplySink {
  private readonly parts: SpanParts;
  /** Of the block at hand. */
  private doneBytes = 0;

  constructor(parts: SpanParts) {
    this.parts = parts;
  }

  /** Also where the rest went to another connection meanwhile. */
  get isDone(): boolean {
    const { span } = this.parts;
    return span.next >= span.end;
  }

  onHead({ status, headers }: ReplyHead): void {
    const { served, span, file } = this.parts;
    const { isPart, totalBytes } = replyFacts(status, headers);
    if (!isPart || totalBytes !== served.totalBytes) {
      throw new RequestFault("changed", "the file on the server has changed");
    }
    const { first } = parseContentRange(headers["content-range"]);
    if (first !== span.next * file.plan.blockBytes) {
      throw new RequestFault("denied", "the server sent another range than was asked for");
    }
  }

  place(): Uint8Array {
    return this.parts.memory.subarray(0, this.blockBytes - this.doneBytes);
  }

  advance(count: number): void {
    const { file, span, memory, onBlock } = this.parts;
    const start = span.next * file.plan.blockBytes;
    file.write(start + this.doneBytes, memory.subarray(0, count));
    this.doneBytes += count;
    if (this.doneBytes < this.blockBytes) return;
    this.doneBytes = 0;
    file.finish(span.next++);
    onBlock();
  }

  /** Of the block at hand. */
  private get blockBytes(): number {
    const { span, file } = this.parts;
    return file.plan.endOf(span.next) - span.next * file.plan.blockBytes;
  }
}
