import type { FastifyRequest } from "fastify";
import { z } from "zod";

import { authenticate, resolveDeployment } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { desiredWorkers } from "./desired-workers.ts";

const boundsSchema = z.looseObject({
  minWorkers: z.int().min(0).default(0),
  maxWorkers: z.int().min(0).default(1),
});
const decisionSchema = z.looseObject({ target: z.int().min(0) });

/** What scalers outside of Hearth read, KEDA's metrics-api among them. */
export interface ScalingBody {
  readonly deployment: string;
  readonly desired_workers: number;
  readonly source: "autoscaler" | "demand";
  /** Counted up to 1000. */
  readonly queued_jobs: number;
  readonly running_jobs: number;
  readonly workers: number;
}

/** Needs the scope `read`. Errors: `deployment_not_found`, also for another tenant's. */
export async function getScaling(
  request: FastifyRequest,
  context: GatewayContext,
): Promise<ScalingBody> {
  const caller = await authenticate(request, context, "read");
  const { id, slug } = await resolveDeployment(request, context, caller);
  const { scaling } = context.store;
  const [[queue], instances, [decision], records, now] = await Promise.all([
    scaling.queues([id]),
    scaling.instances([id]),
    scaling.decisions(id, 1),
    scaling.list(),
    scaling.now(),
  ]);
  const settings = records.find(({ deploymentId }) => deploymentId === id)?.settings;
  const bounds = boundsSchema.safeParse(settings ?? {});
  const { minWorkers, maxWorkers } = bounds.success ? bounds.data : boundsSchema.parse({});
  const target = decisionSchema.safeParse(decision?.decision);
  const queued = queue?.queued ?? 0;
  const running = instances.filter(({ claimedAt }) => claimedAt !== null).length;
  const desired = desiredWorkers({
    queued,
    running,
    minWorkers,
    maxWorkers,
    decision:
      decision !== undefined && target.success
        ? { target: target.data.target, ageMs: now.getTime() - decision.decidedAt.getTime() }
        : null,
  });
  return {
    deployment: slug,
    desired_workers: desired.workers,
    source: desired.source,
    queued_jobs: queued,
    running_jobs: running,
    workers: instances.filter(({ workerId }) => workerId !== null).length,
  };
}
