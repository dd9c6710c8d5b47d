import type { FastifyRequest } from "fastify";

import { HearthError } from "../../kernel/errors.ts";
import { isUuid } from "../../kernel/id.ts";
import type { JobBody } from "../../protocol/comfy-v2.ts";
import type { JobRecord } from "../../store/jobs.ts";
import type { Caller } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { authenticateMounted, mountOf } from "./mount.ts";
import { jobBody, type UrlSigner } from "./translate.ts";

export function signerOf(context: Pick<GatewayContext, "blobs" | "settings" | "clock">): UrlSigner {
  const { blobs, settings, clock } = context;
  return { blobs, expiresInMs: settings.signedUrlMs, nowMs: clock.now() };
}

/** The job id of a request. Errors: `not_found` for anything that cannot be one. */
export function jobIdOf(request: FastifyRequest): string {
  const { id = "" } = request.params as { readonly id?: string };
  if (!isUuid(id)) throw new HearthError("not_found");
  return id;
}

/** Errors: `not_found`, also for another tenant's job and one past its retention. */
export async function findJob(
  request: FastifyRequest,
  context: GatewayContext,
  caller: Caller,
): Promise<JobRecord> {
  const job = await context.store.jobs.get(caller.tenantId, jobIdOf(request));
  if (job === undefined) throw new HearthError("not_found");
  return job;
}

export async function getJob(request: FastifyRequest, context: GatewayContext): Promise<JobBody> {
  const caller = await authenticateMounted(request, context, "read");
  const job = await findJob(request, context, caller);
  return jobBody(job, mountOf(request, context), signerOf(context));
}

export async function getJobWorkflow(
  request: FastifyRequest,
  context: GatewayContext,
): Promise<{ readonly workflow: object; readonly format: "api" }> {
  const caller = await authenticateMounted(request, context, "read");
  const workflow = await context.store.jobs.workflow(caller.tenantId, jobIdOf(request));
  if (workflow === undefined) throw new HearthError("not_found");
  return { workflow, format: "api" };
}

export interface JobLogsBody {
  readonly text: string;
  readonly truncated: boolean;
  readonly captured_at: string;
  readonly complete: true;
}

/** Null where the job has no log (yet). */
export async function getJobLogs(
  request: FastifyRequest,
  context: GatewayContext,
): Promise<JobLogsBody | null> {
  const caller = await authenticateMounted(request, context, "read");
  const log = await context.store.jobs.log(caller.tenantId, jobIdOf(request));
  if (log === undefined) throw new HearthError("not_found");
  if (log === null) return null;
  const { text, truncated, capturedAt } = log;
  return { text, truncated, captured_at: capturedAt.toISOString(), complete: true };
}

/** Asks for the end of a job. Repeating it, or asking too late, changes nothing. */
export async function cancelJob(
  request: FastifyRequest,
  context: GatewayContext,
): Promise<JobBody> {
  const caller = await authenticateMounted(request, context, "run");
  const jobId = jobIdOf(request);
  if (!(await context.store.jobs.requestCancel(caller.tenantId, jobId))) {
    throw new HearthError("not_found");
  }
  context.store.signals.publish("job", jobId);
  const job = await findJob(request, context, caller);
  return jobBody(job, mountOf(request, context), signerOf(context));
}
