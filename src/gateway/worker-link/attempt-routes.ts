import type { FastifyInstance, FastifyRequest } from "fastify";

import { HearthError } from "../../kernel/errors.ts";
import { isUuid } from "../../kernel/id.ts";
import {
  canceledRequestSchema,
  completeRequestSchema,
  failRequestSchema,
  releaseRequestSchema,
  reportRequestSchema,
  uploadsRequestSchema,
  workerLinkPaths,
  type AttemptVerb,
  type OutputFile,
  type UploadsRequest,
  type UploadsResponse,
} from "../../protocol/worker-link.ts";
import type { AttemptRef, NewOutput } from "../../store/attempts.ts";
import type { WorkerRecord } from "../../store/workers.ts";
import type { GatewayContext } from "../context.ts";
import { readBody } from "../json-body.ts";
import type { WorkerSessions } from "./session.ts";
import { failureOf, logOf, outputKey } from "./translate.ts";

type Handler = (attempt: AttemptRef, body: unknown, worker: WorkerRecord) => Promise<unknown>;

/** Everything that a worker says of an attempt; each route is fenced by epoch and worker. */
export function registerAttemptRoutes(
  app: FastifyInstance,
  context: GatewayContext,
  sessions: WorkerSessions,
): void {
  const handlers = attemptHandlers(context);
  for (const verb of Object.keys(handlers) as AttemptVerb[]) {
    const path = workerLinkPaths.attempt(":jobId", 0, verb).replace("/0/", "/:epoch/");
    app.post(path, async (request) => {
      const worker = await sessions.worker(request);
      return handlers[verb](attemptOf(request, worker), request.body, worker);
    });
  }
}

function attemptHandlers(context: GatewayContext): Readonly<Record<AttemptVerb, Handler>> {
  const { attempts, signals } = context.store;
  const ended = (
    attempt: AttemptRef,
    outcome: "accepted" | "stale",
    worker?: WorkerRecord,
  ): Record<string, never> => {
    if (outcome === "stale") throw new HearthError("stale_attempt");
    signals.publish("job", attempt.jobId);
    if (worker !== undefined) signals.publish("queue", String(worker.deploymentId));
    return {};
  };
  return {
    report: async (attempt, body) => {
      const { outputs, progress, preview } = readBody(reportRequestSchema, body);
      const verdict = await attempts.report(attempt, {
        ...(progress && { progress }),
        ...(preview && { preview }),
        ...(outputs && { outputs: await checkedOutputs(context, attempt, outputs) }),
      });
      if (verdict === "stale") throw new HearthError("stale_attempt");
      signals.publish("job", attempt.jobId);
      return { verdict };
    },
    uploads: (attempt, body) => signUploads(context, attempt, readBody(uploadsRequestSchema, body)),
    complete: async (attempt, body) => {
      const { outputs, log, timings } = readBody(completeRequestSchema, body);
      const checked = await checkedOutputs(context, attempt, outputs);
      return ended(
        attempt,
        await attempts.complete(attempt, checked, { log: logOf(log), timings }),
      );
    },
    fail: async (attempt, body, worker) => {
      const request = readBody(failRequestSchema, body);
      const end = { log: logOf(request.log), timings: request.timings };
      return ended(attempt, await attempts.fail(attempt, failureOf(request), end), worker);
    },
    release: async (attempt, body, worker) => {
      const { reason } = readBody(releaseRequestSchema, body);
      return ended(attempt, await attempts.release(attempt, reason === "preempted"), worker);
    },
    canceled: async (attempt, body) => {
      const { log } = readBody(canceledRequestSchema, body);
      return ended(
        attempt,
        await attempts.confirmCanceled(attempt, { log: logOf(log), timings: {} }),
      );
    },
  };
}

async function signUploads(
  context: GatewayContext,
  attempt: AttemptRef,
  request: UploadsRequest,
): Promise<UploadsResponse> {
  if ((await context.store.attempts.verdict(attempt)) === "stale") {
    throw new HearthError("stale_attempt");
  }
  const expiresInMs = context.settings.signedUrlMs;
  const uploads = request.files.map(async ({ hash, sizeBytes, contentType }) => {
    const key = outputKey(attempt.jobId, attempt.epoch, hash);
    const { url, headers } = await context.blobs.signPut(key, {
      expiresInMs,
      contentType,
      sizeBytes,
    });
    return { key, url, headers: { ...headers } };
  });
  return { uploads: await Promise.all(uploads) };
}

/** Every output must have the key that belongs to its hash, and its bytes must be there. */
async function checkedOutputs(
  context: GatewayContext,
  attempt: AttemptRef,
  outputs: readonly OutputFile[],
): Promise<readonly NewOutput[]> {
  const checks = outputs.map(async (output, index): Promise<NewOutput> => {
    const field = `outputs.${index}.key`;
    if (output.key !== outputKey(attempt.jobId, attempt.epoch, output.hash)) {
      const reason = "not the key of this attempt and hash";
      throw new HearthError("invalid_request", { details: { field, reason } });
    }
    const stored = await context.blobs.head(output.key);
    if (stored?.sizeBytes !== output.sizeBytes) {
      const reason = stored === undefined ? "not uploaded" : "uploaded with another size";
      throw new HearthError("invalid_request", { details: { field, reason } });
    }
    return { ...output, assetId: context.newId() };
  });
  return Promise.all(checks);
}

function attemptOf(request: FastifyRequest, worker: WorkerRecord): AttemptRef {
  const { jobId = "", epoch = "" } = request.params as { jobId?: string; epoch?: string };
  const number = Number(epoch);
  if (!isUuid(jobId) || !Number.isInteger(number) || number < 1 || number > 2 ** 31 - 1) {
    throw new HearthError("not_found");
  }
  return { jobId, epoch: number, workerId: worker.id };
}
