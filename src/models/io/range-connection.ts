import type { Socket } from "node:net";

import { ChunkedBody } from "./chunked-body.ts";
import type { Egress } from "./egress.ts";
import { RequestFault } from "./replies.ts";
import { maxHeadBytes, parseReplyHead, type ReplyHead } from "./reply-head.ts";

/** What becomes of a reply. Its methods may throw, which ends request and connection. */
export interface ReplySink {
  onHead(head: ReplyHead): void;
  /** Where the next bytes of the body are to go; never empty while the sink wants more. */
  place(): Uint8Array;
  /** So many bytes are at that place now. */
  advance(count: number): void;
  /** It has all that it wants. */
  readonly isDone: boolean;
}

/** A kept connection was closed by the server at the moment when it was asked again. */
export class StaleConnection extends Error {}

interface Request {
  readonly sink: ReplySink;
  readonly settle: (fault?: unknown) => void;
}

/**
 * One HTTP/1.1 connection for replies of gigabytes: what the kernel has received goes straight into
 * the sink's memory, in reads of up to a block. Libraries allocate a buffer for every 64 KiB and
 * copy it once more, which costs more processor time than everything else in a download.
 */
export class RangeConnection {
  private readonly socket: Socket;
  private readonly head = Buffer.allocUnsafe(maxHeadBytes);
  private headBytes = 0;
  private body: ReplyHead | undefined;
  private bodyLeft = 0;
  private chunked: ChunkedBody | undefined;
  private request: Request | undefined;
  private replies = 0;
  private isOver = false;

  constructor(egress: Egress, url: URL) {
    this.socket = egress.connect(url, {
      buffer: () => this.view(),
      callback: (count, bytes) => this.received(count, bytes),
    });
    this.socket.on("error", (cause) => this.lost(cause));
    this.socket.on("timeout", () => this.lost(new Error("it has fallen silent")));
    this.socket.on("close", () => this.lost(undefined));
  }

  /** Whether another request can be made. */
  get isFree(): boolean {
    return !this.isOver && this.request === undefined;
  }

  /** Resolves when the sink is done. Rejects with `RequestFault`, `StaleConnection`, or as it threw. */
  async ask(text: string, sink: ReplySink): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (fault?: unknown): void => {
        this.request = undefined;
        if (fault === undefined) resolve();
        else reject(fault);
      };
      this.request = { sink, settle };
      [this.headBytes, this.body, this.chunked] = [0, undefined, undefined];
      this.socket.write(text, "latin1");
    });
  }

  /** Ends the connection; a request under way rejects with `fault`. */
  close(fault?: Error): void {
    this.isOver = true;
    this.socket.destroy();
    this.request?.settle(fault ?? new RequestFault("passing", "the connection was given up"));
  }

  /** Where the next read goes. What is idle or odd passes through the head's memory. */
  private view(): Uint8Array {
    if (this.body === undefined) return this.head.subarray(this.headBytes);
    if (this.chunked !== undefined || this.request === undefined) return this.head;
    const place = this.request.sink.place();
    return place.length > this.bodyLeft ? place.subarray(0, this.bodyLeft) : place;
  }

  /** False: not to be read on for now. */
  private received(count: number, bytes: Uint8Array): boolean {
    const { request } = this;
    // Nobody has asked: whatever it is, it is not an answer.
    if (request === undefined) {
      this.close();
      return false;
    }
    try {
      if (this.body === undefined) this.addToHead(count, request.sink);
      else if (this.chunked !== undefined) this.unpack(bytes.subarray(0, count), request.sink);
      else this.count(count, request.sink);
      if (this.body !== undefined) this.endIfDone(this.body, request);
    } catch (thrown) {
      request.settle(thrown);
      this.close();
    }
    return !this.isOver;
  }

  private addToHead(count: number, sink: ReplySink): void {
    const from = Math.max(0, this.headBytes - 3);
    this.headBytes += count;
    const received = this.head.subarray(0, this.headBytes);
    const end = received.indexOf("\r\n\r\n", from);
    if (end === -1) {
      if (this.headBytes < maxHeadBytes) return;
      throw new RequestFault("denied", "the server's reply begins with too many headers");
    }
    const head = parseReplyHead(received.toString("latin1", 0, end));
    const rest = received.subarray(end + 4);
    if (head.status < 200) {
      // 103 Early Hints and the like: the reply comes after it.
      this.head.copyWithin(0, end + 4, this.headBytes);
      this.headBytes = 0;
      if (rest.length > 0) this.addToHead(rest.length, sink);
      return;
    }
    sink.onHead(head);
    this.body = head;
    this.bodyLeft = head.body.kind === "sized" ? head.body.bytes : Infinity;
    if (head.body.kind === "chunked") this.chunked = new ChunkedBody();
    // The head's memory is where chunks are received next.
    if (this.chunked !== undefined) this.unpack(Buffer.from(rest), sink);
    else this.deliver(rest.subarray(0, this.bodyLeft), sink);
  }

  private unpack(bytes: Uint8Array, sink: ReplySink): void {
    this.chunked?.push(bytes, (payload) => this.deliver(payload, sink));
  }

  private deliver(bytes: Uint8Array, sink: ReplySink): void {
    let rest = bytes;
    while (rest.length > 0 && !sink.isDone) {
      const place = sink.place();
      const taken = rest.subarray(0, place.length);
      place.set(taken);
      this.count(taken.length, sink);
      rest = rest.subarray(taken.length);
    }
  }

  private count(count: number, sink: ReplySink): void {
    this.bodyLeft -= count;
    sink.advance(count);
  }

  private endIfDone(head: ReplyHead, { sink, settle }: Request): void {
    const isAllRead = this.bodyLeft === 0;
    if (!sink.isDone && !isAllRead && this.chunked?.isOver !== true) return;
    this.replies++;
    const isShort = !sink.isDone;
    settle(isShort ? endedTooSoon() : undefined);
    if (!isAllRead || !head.isKept) this.close();
    [this.headBytes, this.body] = [0, undefined];
  }

  private lost(cause: Error | undefined): void {
    if (this.isOver) return;
    const { request } = this;
    const isUnanswered = this.replies > 0 && this.headBytes === 0 && this.body === undefined;
    this.close(
      isUnanswered
        ? new StaleConnection("closed between two requests")
        : request !== undefined && cause === undefined && this.body !== undefined
          ? endedTooSoon()
          : new RequestFault("passing", "the connection failed", { cause }),
    );
  }
}

function endedTooSoon(): RequestFault {
  return new RequestFault("passing", "the server ended the reply too soon");
}
