import type { FastifyRequest } from "fastify";
import { z } from "zod";

import { parseDurationMs } from "../../kernel/duration.ts";
import { HearthError } from "../../kernel/errors.ts";
import { groupUsage, usageGroupings, type UsageGroup } from "../../store/usage-report.ts";
import { authenticate } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { readBody } from "../json-body.ts";

export interface StatsBody {
  /** The first hour that counts, and the end. */
  readonly from: string;
  readonly to: string;
  readonly groups: readonly UsageGroup[];
}

const hourMs = 3_600_000;
const maxSinceMs = 400 * 24 * hourMs;

const querySchema = z.strictObject({
  since: z.string().default("24h"),
  by: z.enum(usageGroupings).default("total"),
  deployment: z.string().max(63).optional(),
});

/**
 * What the hours of the caller's own deployments cost and how they went. The present hour is as of
 * the last pass of the controller, at most about a minute ago.
 */
export async function getStats(
  request: FastifyRequest,
  context: GatewayContext,
): Promise<StatsBody> {
  const caller = await authenticate(request, context, "admin");
  const { since, by, deployment } = readBody(querySchema, request.query);
  const sinceMs = parseDurationMs(since);
  if (!sinceMs.ok) throw refused("since", sinceMs.error);
  if (sinceMs.value > maxSinceMs) throw refused("since", "must be at most 400d");
  const toMs = context.clock.now();
  const from = new Date(Math.floor((toMs - sinceMs.value) / hourMs) * hourMs);
  const deploymentId = await ownDeployment(context, caller.tenantId, deployment);
  const rows = await context.store.usage.hours({
    from,
    to: new Date(toMs),
    tenantId: caller.tenantId,
    ...(deploymentId !== undefined && { deploymentId }),
  });
  return {
    from: from.toISOString(),
    to: new Date(toMs).toISOString(),
    groups: groupUsage(rows, by),
  };
}

async function ownDeployment(
  context: GatewayContext,
  tenantId: number,
  slug: string | undefined,
): Promise<number | undefined> {
  if (slug === undefined) return undefined;
  const found = await context.access.deployment(tenantId, slug);
  if (found === undefined || found.tenantId !== tenantId) {
    throw new HearthError("deployment_not_found");
  }
  return found.id;
}

function refused(field: string, reason: string): HearthError {
  return new HearthError("invalid_request", {
    message: `${field}: ${reason}`,
    details: { field, reason },
  });
}
