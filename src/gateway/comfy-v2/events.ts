import type { FastifyReply, FastifyRequest } from "fastify";

import { HearthError, errorMessage } from "../../kernel/errors.ts";
import type { JobRecord } from "../../store/jobs.ts";
import type { GatewayContext } from "../context.ts";
import { followJob } from "./follow-job.ts";
import { findJob, jobIdOf } from "./job-routes.ts";
import { authenticateMounted } from "./mount.ts";
import { Waker } from "./waker.ts";

const retryAfterSeconds = 5;

/** Counts the open streams of each tenant. */
export class StreamSlots {
  private readonly open = new Map<number, number>();

  /** Errors: `too_many_streams`. Returns how to give the slot back. */
  take(tenantId: number, limit: number): () => void {
    const count = this.open.get(tenantId) ?? 0;
    if (count >= limit) {
      throw new HearthError("too_many_streams", { details: { limit }, retryAfterSeconds });
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
  const caller = await authenticateMounted(request, context, "read");
  // Listening before looking, so that no change falls between the two.
  const waker = new Waker();
  const wake = (): void => waker.wake();
  const wanted = jobIdOf(request);
  const stopListening = context.store.signals.subscribe("job", (id) => {
    if (id === wanted) wake();
  });
  try {
    const job = await findJob(request, context, caller);
    const giveBack = slots.take(caller.tenantId, context.settings.limits.streamsPerTenant);
    try {
      await stream(reply, job, context, waker);
    } finally {
      giveBack();
    }
  } finally {
    stopListening();
  }
}

async function stream(
  reply: FastifyReply,
  job: JobRecord,
  context: GatewayContext,
  waker: Waker,
): Promise<void> {
  const wake = (): void => waker.wake();
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
  });
  raw.flushHeaders();
  raw.once("close", wake).on("drain", wake);
  context.shutdown.addEventListener("abort", wake);
  try {
    await followJob(raw, job, context, waker);
  } catch (thrown) {
    context.logger.warn({ jobId: job.id, cause: errorMessage(thrown) }, "event stream broke off");
  } finally {
    context.shutdown.removeEventListener("abort", wake);
    // A connection kept for later would hold up a gateway that stops.
    if (context.shutdown.aborted) raw.once("finish", () => raw.socket?.destroySoon());
    raw.end();
  }
}
