import { randomBytes } from "node:crypto";

import type { FastifyInstance } from "fastify";

import {
  claimRequestSchema,
  heartbeatRequestSchema,
  readyRequestSchema,
  workerLinkPaths,
  type HeartbeatResponse,
} from "../../protocol/worker-link.ts";
import type { GatewayContext } from "../context.ts";
import { readBody } from "../json-body.ts";
import { registerAttemptRoutes } from "./attempt-routes.ts";
import { claimFor } from "./claims.ts";
import { MemoryLessons } from "./memory.ts";
import { ModelAnswers } from "./models.ts";
import { WorkerSessions } from "./session.ts";

/** The workers' side of the gateway; `protocol/worker-link.ts` is its contract. */
export function registerWorkerLink(app: FastifyInstance, context: GatewayContext): void {
  const sessions = new WorkerSessions(context, randomBytes);
  const models = new ModelAnswers(context);
  const lessons = new MemoryLessons(context);
  const { store, settings } = context;

  app.post(workerLinkPaths.enroll, (request) => sessions.enroll(request));

  app.post(workerLinkPaths.models, async (request) => {
    const { deploymentId } = await sessions.worker(request);
    return models.for(deploymentId);
  });

  app.post(workerLinkPaths.ready, async (request) => {
    const worker = await sessions.worker(request);
    const { residents, isWarm = false, ...facts } = readBody(readyRequestSchema, request.body);
    await store.workers.markReady(worker.id, { ...facts, isWarm });
    if (residents !== undefined) await store.workers.reportResidents(worker.id, residents);
    return {};
  });

  app.post(workerLinkPaths.claim, async (request, reply) => {
    const worker = await sessions.worker(request);
    const wanted = readBody(claimRequestSchema, request.body);
    return { assignment: await claimFor(context, worker, wanted, reply) };
  });

  app.post(workerLinkPaths.heartbeat, async (request): Promise<HeartbeatResponse> => {
    const worker = await sessions.worker(request);
    const { attempts, residents, memory } = readBody(heartbeatRequestSchema, request.body);
    const refs = attempts.map((attempt) => ({ ...attempt, workerId: worker.id }));
    const [verdicts, draining, largestCardBytes] = await Promise.all([
      store.attempts.heartbeat(refs, settings.lease.leaseMs),
      store.workers.touch([worker.id]),
      lessons.largestCardBytes(worker.deploymentId),
      memory && store.workers.reportMemory(worker.id, memory),
      residents && store.workers.reportResidents(worker.id, residents),
    ]);
    return {
      attempts: attempts.map(({ jobId, epoch }, at) => ({
        jobId,
        epoch,
        verdict: verdicts[at] ?? "stale",
      })),
      drain: draining.includes(worker.id),
      largestCardBytes,
    };
  });

  app.post(workerLinkPaths.goodbye, async (request) => {
    const worker = await sessions.worker(request);
    await store.workers.markGone(worker.id);
    sessions.forget(request);
    store.signals.publish("queue", String(worker.deploymentId));
    return {};
  });

  registerAttemptRoutes(app, context, sessions, lessons);
}
