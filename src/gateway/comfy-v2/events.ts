import type { ServerResponse } from "node:http";

import type { FastifyReply, FastifyRequest } from "fastify";

import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { authenticate, type Caller } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { JobNews } from "./job-news.ts";
import { findJob, signerOf } from "./job-routes.ts";
import { Waker } from "./waker.ts";

const pollMs = 1_000;
const keepAliveMs = 10_000;

/** Counts the open streams of each tenant. */
export class StreamSlots {
  private readonly open = new Map<number, number>();

  /** Errors: `too_many_streams`. Returns how to give the slot back. */
  take(tenantId: number, limit: number): () => void {
    const count = this.open.get(tenantId) ?? 0;
    if (count >= limit) {
      throw new HearthError("too_many_streams", { details: { limit }, retryAfterSeconds: 5 });
    }
    this.open.set(tenantId, count + 1);
    return () => {
      const left = (this.open.get(tenantId) ?? 1) - 1;
      if (left > 0) this.open.set(tenantId, left);
      else this.open.delete(tenantId);
    };
  }
}

/**
 * Streams what happens to a job: a snapshot at once, then changes, and the terminal status last.
 * Hints wake it; a poll a second is the truth, so that nothing depends on a lost hint.
 */
export async function streamEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
  slots: StreamSlots,
): Promise<void> {
  const caller = await authenticate(request, context, "read");
  const job = await findJob(request, context, caller);
  const giveBack = slots.take(caller.tenantId, context.settings.limits.streamsPerTenant);
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
  });
  raw.flushHeaders();
  const waker = new Waker();
  const wake = (): void => waker.wake();
  const stopListening = context.store.signals.subscribe("job", (id) => {
    if (id === job.id) wake();
  });
  raw.once("close", wake);
  context.shutdown.addEventListener("abort", wake);
  try {
    await follow(raw, caller, job.id, context, waker);
  } catch (thrown) {
    context.logger.warn({ jobId: job.id, cause: errorMessage(thrown) }, "event stream broke off");
  } finally {
    stopListening();
    context.shutdown.removeEventListener("abort", wake);
    giveBack();
    raw.end();
  }
}

async function follow(
  raw: ServerResponse,
  caller: Caller,
  jobId: string,
  context: GatewayContext,
  waker: Waker,
): Promise<void> {
  const news = new JobNews();
  const { jobs } = context.store;
  let quietSinceMs = context.clock.now();
  const isOver = (): boolean => raw.destroyed || context.shutdown.aborted;
  while (!isOver()) {
    const job = await jobs.get(caller.tenantId, jobId);
    if (job === undefined) return;
    const preview =
      job.state === "running" && !raw.writableNeedDrain
        ? await jobs.preview(caller.tenantId, jobId)
        : undefined;
    const { frames, isLast } = await news.since(job, preview, signerOf(context));
    for (const { event, data } of frames) {
      raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      quietSinceMs = context.clock.now();
    }
    if (isLast) return;
    if (context.clock.now() - quietSinceMs >= keepAliveMs) {
      raw.write(": keepalive\n\n");
      quietSinceMs = context.clock.now();
    }
    if (!isOver()) await waker.wait(pollMs);
  }
}
