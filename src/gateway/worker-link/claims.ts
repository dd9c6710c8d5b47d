import type { FastifyReply } from "fastify";

import { errorMessage } from "../../kernel/errors.ts";
import type { Assignment, ClaimRequest } from "../../protocol/worker-link.ts";
import type { Claim } from "../../store/attempts.ts";
import type { WorkerRecord } from "../../store/workers.ts";
import type { GatewayContext } from "../context.ts";
import { assignmentOf } from "./translate.ts";

/** Waits for a job for this worker; a worker that hangs up meanwhile gets none. */
export async function claimFor(
  context: GatewayContext,
  worker: WorkerRecord,
  { waitMs, ...wish }: ClaimRequest,
  reply: FastifyReply,
): Promise<Assignment | null> {
  const hangUp = new AbortController();
  const onClose = (): void => hangUp.abort();
  reply.raw.once("close", onClose);
  try {
    const signal = AbortSignal.any([hangUp.signal, context.shutdown]);
    const { deploymentId, id } = worker;
    const claim = await context.dispatcher.claim(deploymentId, id, waitMs, signal, wish);
    if (claim === undefined) return null;
    if (reply.raw.destroyed) {
      await giveBack(context, claim);
      return null;
    }
    context.store.signals.publish("job", claim.jobId);
    return await prepared(context, claim);
  } finally {
    reply.raw.off("close", onClose);
  }
}

async function prepared(context: GatewayContext, claim: Claim): Promise<Assignment> {
  try {
    const { blobs, seal, settings } = context;
    return await assignmentOf(claim, blobs, seal, settings.signedUrlMs);
  } catch (thrown) {
    await giveBack(context, claim);
    throw thrown;
  }
}

async function giveBack(context: GatewayContext, claim: Claim): Promise<void> {
  try {
    await context.store.attempts.release(claim, false);
  } catch (thrown) {
    const fields = { jobId: claim.jobId, cause: errorMessage(thrown) };
    context.logger.warn(fields, "a claim that nobody heard must time out");
  }
}
