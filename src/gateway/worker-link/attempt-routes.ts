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
  type Verdict,
} from "../../protocol/worker-link.ts";
import type { AttemptRef, Completion } from "../../store/attempts.ts";
import type { WorkerRecord } from "../../store/workers.ts";
import type { GatewayContext } from "../context.ts";
import { readBody } from "../json-body.ts";
import type { MemoryLessons } from "./memory.ts";
import type { WorkerSessions } from "./session.ts";
import { checkedOutputs, readContents, signUploads, storeContents } from "./outputs.ts";
import { failureOf, logOf } from "./translate.ts";

type Handler = (attempt: AttemptRef, body: unknown, worker: WorkerRecord) => Promise<unknown>;

/** Everything that a worker says of an attempt; each route is fenced by epoch and worker. */
export function registerAttemptRoutes(
  app: FastifyInstance,
  context: GatewayContext,
  sessions: WorkerSessions,
  lessons: MemoryLessons,
): void {
  const handlers = attemptHandlers(context, lessons);
  for (const verb of Object.keys(handlers) as AttemptVerb[]) {
    const path = workerLinkPaths.attempt(":jobId", 0, verb).replace("/0/", "/:epoch/");
    app.post(path, async (request) => {
      const worker = await sessions.worker(request);
      return handlers[verb](attemptOf(request, worker), request.body, worker);
    });
  }
}

function attemptHandlers(
  context: GatewayContext,
  lessons: MemoryLessons,
): Readonly<Record<AttemptVerb, Handler>> {
  const { attempts, signals } = context.store;
  const ended = (
    attempt: AttemptRef,
    outcome: Completion,
    worker?: WorkerRecord,
  ): Record<string, never> => {
    if (outcome === "stale") throw new HearthError("stale_attempt");
    signals.publish("job", attempt.jobId);
    if (worker !== undefined) signals.publish("queue", String(worker.deploymentId));
    return {};
  };
  return {
    report: (attempt, body) => noteReport(context, attempt, body),
    uploads: (attempt, body) => signUploads(context, attempt, readBody(uploadsRequestSchema, body)),
    complete: async (attempt, body) => {
      const request = readBody(completeRequestSchema, body);
      const { outputs, contents, log, timings } = request;
      const inline = readContents(outputs, contents ?? []);
      const checked = await checkedOutputs(context, attempt, outputs, inline);
      const end = { log: logOf(log), timings, peakBytes: request.peakBytes };
      // The files' way to the disk and the statement's need not wait for each other.
      const stored = inline.size > 0 ? storeContents(context, attempt, inline) : undefined;
      const outcome = await attempts.complete(attempt, checked, end, stored);
      if (outcome === "accepted") {
        context.endings.noteSuccess(attempt.jobId, attempt.epoch, checked);
      }
      if (outcome !== "stale") {
        lessons.peak(attempt, request.peakBytes);
        context.learner.noteEnded(attempt);
      }
      return ended(attempt, outcome);
    },
    fail: async (attempt, body, worker) => {
      const request = readBody(failRequestSchema, body);
      await lessons.outOfMemory(attempt, request);
      const end = { log: logOf(request.log), timings: request.timings };
      return ended(attempt, await attempts.fail(attempt, failureOf(request), end), worker);
    },
    release: async (attempt, body, worker) => {
      const { reason } = readBody(releaseRequestSchema, body);
      return ended(attempt, await attempts.release(attempt, reason === "preempted"), worker);
    },
    canceled: async (attempt, body) => {
      const end = { log: logOf(readBody(canceledRequestSchema, body).log), timings: {} };
      return ended(attempt, await attempts.confirmCanceled(attempt, end));
    },
  };
}

async function noteReport(
  context: GatewayContext,
  attempt: AttemptRef,
  body: unknown,
): Promise<{ readonly verdict: Verdict }> {
  const { attempts, signals } = context.store;
  const { outputs, progress, preview } = readBody(reportRequestSchema, body);
  const verdict = await attempts.report(attempt, {
    ...(progress && { progress }),
    ...(preview && { preview }),
    ...(outputs && { outputs: await checkedOutputs(context, attempt, outputs) }),
  });
  if (verdict === "stale") throw new HearthError("stale_attempt");
  signals.publish("job", attempt.jobId);
  return { verdict };
}

function attemptOf(request: FastifyRequest, worker: WorkerRecord): AttemptRef {
  const { jobId = "", epoch = "" } = request.params as { jobId?: string; epoch?: string };
  const number = Number(epoch);
  if (!isUuid(jobId) || !Number.isInteger(number) || number < 1 || number > 2 ** 31 - 1) {
    throw new HearthError("not_found");
  }
  return { jobId, epoch: number, workerId: worker.id };
}
