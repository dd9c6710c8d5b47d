import type { BlobStore } from "../../blobs/blobs.ts";
import type { Assignment, AttemptLog, FailRequest } from "../../protocol/worker-link.ts";
import type { AttemptFailure } from "../../queue/retry-budget.ts";
import type { Claim } from "../../store/attempts.ts";
import type { Seal } from "../seal.ts";

/** A claim as the worker hears it, with signed URLs for its inputs. */
export async function assignmentOf(
  claim: Claim,
  blobs: BlobStore,
  seal: Seal,
  expiresInMs: number,
): Promise<Assignment> {
  const inputs = claim.inputs.map(async ({ path, filename, hash, sizeBytes, blobKey }) => {
    const contentType = "application/octet-stream";
    const options = { expiresInMs, contentType, filename, disposition: "attachment" } as const;
    const url = await blobs.signGet(blobKey, options);
    return { path: [...path], filename, hash, sizeBytes, url };
  });
  return {
    jobId: claim.jobId,
    epoch: claim.epoch,
    attemptId: claim.attemptId,
    workflow: claim.workflow,
    extraData: claim.sealedExtraData === null ? {} : seal.open(claim.sealedExtraData),
    inputs: await Promise.all(inputs),
    priority: claim.priority,
    ...(claim.vramBytes > 0 && { peakBytes: claim.vramBytes }),
    ...(claim.ranOutBytes !== null && { ranOutBytes: claim.ranOutBytes }),
    timeoutMs: claim.remainingMs,
  };
}

export function failureOf(request: FailRequest): AttemptFailure {
  const { error, failureClass } = request;
  const { traceback } = error;
  const clean = {
    ...error,
    message: withoutNul(error.message),
    traceback: traceback === null ? null : withoutNul(traceback),
  };
  return { failureClass, failure: clean };
}

export function logOf(log: AttemptLog | null): AttemptLog | null {
  return log === null ? null : { ...log, text: withoutNul(log.text) };
}

/** Postgres text has no NUL; whatever a program printed must not stop its job from ending. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "\u2400");
}
