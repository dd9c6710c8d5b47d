import type { FastifyReply, FastifyRequest } from "fastify";

import { HearthError } from "../../kernel/errors.ts";
import { isJsonObject, type JsonValue } from "../../kernel/json.ts";
import { postJobBodySchema, type JobBody } from "../../protocol/comfy-v2.ts";
import type { DeploymentRecord } from "../../store/access.ts";
import type { Claim } from "../../store/attempts.ts";
import type { NewJob, Seat, Submitted } from "../../store/jobs.ts";
import { validateWorkflow } from "../../workflow/validate.ts";
import { parseWorkflow, type Workflow } from "../../workflow/parse.ts";
import { authenticate, resolveDeployment } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { formatQueueHint } from "../dispatch/queue-hint.ts";
import { readBody } from "../json-body.ts";
import { resolveInputs } from "./inputs.ts";
import { idempotencyKeyOf } from "./idempotency.ts";
import { readLabels } from "./labels.ts";
import { mountOf } from "./mount.ts";
import { jobBody } from "./translate.ts";

/** Fields that the contract reserves and refuses. */
const reservedFields = ["webhook_url", "inputs"] as const;
const retrySeconds = 2;

/** Admits a job: judged, recorded in one statement, answered with `201` whether workers are up or not. */
export async function postJob(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<JobBody> {
  const caller = await authenticate(request, context, "run");
  const deployment = await resolveDeployment(request, context, caller);
  const idempotencyKey = idempotencyKeyOf(request);
  const body = readJobBody(request.body);
  const { metadata, dueInMs, ...labels } = readLabels(body.metadata);
  const workflow = isJsonObject(body.workflow) ? body.workflow : {};
  const parsed = parse(context, body.workflow);
  const inputs = await judge(context, caller.tenantId, deployment, parsed);
  await requireRoom(context, deployment);
  const { tenantId } = caller;
  const { defaultPriority } = await context.tenantGate.admit(tenantId);
  const priority = labels.priority ?? defaultPriority ?? "normal";
  const asked = { tenantId, deployment, workflow: parsed, priority, dueInMs };
  const placement = await context.placements.place(asked);
  const job: NewJob = {
    id: context.newId(),
    tenantId,
    deploymentId: deployment.id,
    priority,
    workflow,
    inputs,
    metadata,
    sealedExtraData: body.extra_data === undefined ? null : context.seal.seal(body.extra_data),
    idempotencyKey,
    deadlineMs: deployment.deadlineMs,
    retentionMs: deployment.retentionMs,
    placement,
  };
  await submit(job, context);
  reply.code(201);
  return newJobBody(job, deployment, mountOf(request, context), context);
}

/** Records the job, for a worker that waits for it or for the queue. */
async function submit(job: NewJob, { store, dispatcher }: GatewayContext): Promise<void> {
  const { placement, deploymentId } = job;
  const held = placement.modelSet === 0 ? dispatcher.hold(deploymentId) : undefined;
  let submitted: Submitted | "reused" | undefined;
  try {
    submitted = await store.jobs.submit(job, held?.seat);
  } finally {
    if (submitted === undefined || submitted === "reused" || submitted.epoch === 0) held?.letGo();
  }
  if (submitted === "reused") throw new HearthError("idempotency_key_reuse");
  if (held !== undefined && submitted.epoch > 0) {
    await held.give(claimOf(job, held.seat, submitted));
    return;
  }
  const hint = formatQueueHint(deploymentId, { ...placement, ...submitted });
  store.signals.publish("queue", hint);
}

function claimOf(job: NewJob, { workerId, attemptId }: Seat, submitted: Submitted): Claim {
  const { id: jobId, tenantId, workflow, inputs, sealedExtraData, priority, placement } = job;
  const { modelSet, vramClass, vramBytes } = placement;
  const asked = { jobId, tenantId, workflow, inputs, sealedExtraData, priority };
  const needs = { modelSet, vramClass, vramBytes, ranOutBytes: null };
  return { ...asked, ...needs, ...submitted, workerId, attemptId };
}

interface JobRequest {
  readonly workflow: JsonValue | undefined;
  readonly extra_data?: Readonly<Record<string, string>> | undefined;
  readonly metadata?: unknown;
}

function readJobBody(body: unknown): JobRequest {
  const reserved = reservedFields.find((field) => isJsonObject(body) && Object.hasOwn(body, field));
  if (reserved !== undefined) {
    const reason = "is reserved and not accepted";
    throw new HearthError("invalid_workflow", {
      message: `${reserved} ${reason}`,
      details: { field: reserved, reason },
    });
  }
  return readBody(postJobBodySchema, body) as JobRequest;
}

function parse(context: GatewayContext, value: JsonValue | undefined): Workflow {
  const { workflowNodes } = context.settings.limits;
  const parsed = parseWorkflow(value, { maxNodes: workflowNodes });
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

async function judge(
  context: GatewayContext,
  tenantId: number,
  deployment: DeploymentRecord,
  workflow: Workflow,
): Promise<NewJob["inputs"]> {
  const catalogue = await context.access.catalogue(deployment.id);
  const fault = validateWorkflow(workflow, catalogue);
  if (fault !== undefined) throw fault;
  return resolveInputs(context.store.assets, tenantId, workflow, catalogue);
}

/** The queue's length is a second old at most, so that a submit costs the same at any length. */
async function requireRoom(context: GatewayContext, deployment: DeploymentRecord): Promise<void> {
  const queued = await context.access.queuedCount(deployment);
  if (queued < deployment.maxQueued) return;
  throw new HearthError("queue_full", {
    details: { maxQueued: deployment.maxQueued },
    retryAfterSeconds: retrySeconds,
  });
}

/** The job as it stands right after its submit, without asking the database again. */
function newJobBody(
  job: NewJob,
  deployment: DeploymentRecord,
  mount: string,
  context: GatewayContext,
): Promise<JobBody> {
  const nowMs = context.clock.now();
  const now = new Date(nowMs);
  const record = {
    ...job,
    deployment: deployment.slug,
    state: "queued",
    epoch: 0,
    submittedAt: now,
    startedAt: null,
    endedAt: null,
    updatedAt: now,
    expiresAt: new Date(nowMs + job.deadlineMs + job.retentionMs),
    failure: null,
    queuePosition: null,
    outlook: null,
    progress: null,
    timings: null,
    outputs: [],
  } as const;
  return jobBody(record, mount, { blobs: context.blobs, expiresInMs: 0, nowMs });
}
