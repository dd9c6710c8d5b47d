import type { Dispatcher } from "undici";

import type { Span } from "../blocks.ts";
import type { Egress } from "./egress.ts";
import type { PartFile } from "./part-file.ts";
import { RequestFault, parseContentRange, replyFacts } from "./replies.ts";

/** An encoded reply would have other offsets than the file. */
export const fixedHeaders = { "accept-encoding": "identity", "user-agent": "hearth" } as const;

/** Where a file is served, after all redirections. */
export interface Served {
  readonly url: URL;
  readonly totalBytes: number;
  readonly validator: string | null;
}

/** A request that brings the blocks of a span into a file. */
export class SpanRequest implements Dispatcher.DispatchHandler {
  /** Rejects with `RequestFault`, a disk fault, or what `abort` was called with. */
  readonly done: Promise<void>;
  private readonly served: Served;
  private readonly part: PartFile;
  private readonly span: Span;
  private settle!: (fault?: unknown) => void;
  private controller: Dispatcher.DispatchController | undefined;
  private parts: Buffer[] = [];
  private partBytes = 0;
  /** Where the range that was asked for ends, in blocks. */
  private readonly askedEnd: number;
  private readonly writes = new Set<Promise<void>>();
  private isOver = false;
  private blockMs = performance.now();

  constructor(egress: Egress, served: Served, part: PartFile, span: Span) {
    this.served = served;
    this.part = part;
    this.span = span;
    this.askedEnd = span.end;
    this.done = new Promise((resolve, reject) => {
      this.settle = (fault) => {
        this.isOver = true;
        const end = async (): Promise<void> => {
          // The file must not be closed under a write.
          const ends = await Promise.allSettled(this.writes);
          const failed = ends.find(({ status }) => status === "rejected");
          const cause: unknown = failed?.status === "rejected" ? failed.reason : fault;
          if (cause === undefined) resolve();
          else reject(cause);
        };
        void end();
      };
    });
    const { origin, pathname, search } = served.url;
    const { plan } = part;
    const range = `bytes=${span.next * plan.blockBytes}-${plan.endOf(span.end - 1) - 1}`;
    const headers = {
      ...fixedHeaders,
      ...egress.headersFor(served.url),
      range,
      ...(served.validator !== null && { "if-range": served.validator }),
    };
    egress.dispatcher.dispatch({ origin, path: pathname + search, method: "GET", headers }, this);
  }

  /** How long since the last whole block; 0 while the disk is what everybody waits for. */
  get slowMs(): number {
    if (this.controller?.paused === true) this.blockMs = performance.now();
    return performance.now() - this.blockMs;
  }

  abort(reason: Error): void {
    if (this.isOver) return;
    // Before the connection reports its end as a failure of its own.
    this.settle(reason);
    this.controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.isOver) controller.abort(new Error("no longer wanted"));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2],
  ): void {
    try {
      const { isPart, totalBytes } = replyFacts(status, headers);
      const range = headers["content-range"];
      const isSame = isPart && totalBytes === this.served.totalBytes;
      if (!isSame) throw new RequestFault("changed", "the file on the server has changed");
      const { first } = parseContentRange(Array.isArray(range) ? range[0] : range);
      if (first !== this.span.next * this.part.plan.blockBytes) {
        throw new RequestFault("denied", "the server sent another range than was asked for");
      }
    } catch (thrown) {
      this.fail(controller, thrown);
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { span, part } = this;
    const { plan } = part;
    let rest = chunk;
    while (rest.length > 0 && !this.isOver) {
      // Shared with another connection meanwhile: the rest of this reply is not ours.
      if (span.next >= span.end) return this.finish(controller);
      const sizeBytes = plan.endOf(span.next) - span.next * plan.blockBytes;
      const taken = rest.subarray(0, sizeBytes - this.partBytes);
      this.parts.push(taken);
      this.partBytes += taken.length;
      rest = rest.subarray(taken.length);
      if (this.partBytes === sizeBytes) this.store(controller, sizeBytes);
    }
    if (span.next >= span.end) return this.finish(controller);
    if (!part.isFull || this.isOver || controller.paused) return;
    controller.pause();
    part.whenRoom(() => controller.resume());
  }

  onResponseEnd(): void {
    const { span } = this;
    if (this.isOver) return;
    this.settle(
      span.next < span.end
        ? new RequestFault("passing", "the server ended the reply too soon")
        : undefined,
    );
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    if (this.isOver) return;
    this.settle(new RequestFault("passing", "the connection failed", { cause }));
  }

  private store(controller: Dispatcher.DispatchController, sizeBytes: number): void {
    const write = this.part.write(this.span.next++, this.parts, sizeBytes);
    this.parts = [];
    this.partBytes = 0;
    this.blockMs = performance.now();
    this.writes.add(write);
    void write.then(
      () => this.writes.delete(write),
      (thrown: unknown) => this.fail(controller, thrown),
    );
  }

  private finish(controller: Dispatcher.DispatchController): void {
    if (this.isOver) return;
    this.settle();
    // A reply that was asked for in full ends by itself and leaves its connection to the next.
    if (this.span.end < this.askedEnd) controller.abort(new Error("the rest is fetched elsewhere"));
  }

  private fail(controller: Dispatcher.DispatchController, thrown: unknown): void {
    if (this.isOver) return;
    this.settle(thrown);
    controller.abort(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}
