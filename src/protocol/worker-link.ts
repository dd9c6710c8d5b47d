import { z } from "zod";

import { isSafePath } from "../kernel/safe-path.ts";

/**
 * The private protocol between a worker agent and a gateway: JSON over HTTP under `/worker/v1`,
 * authenticated by the worker token that enrolment returned. Every route that speaks of an attempt
 * names job and epoch in its path; a superseded epoch gets `409 stale_attempt` and changes nothing.
 */
export const workerLinkPaths = {
  enroll: "/worker/v1/enroll",
  models: "/worker/v1/models",
  ready: "/worker/v1/ready",
  claim: "/worker/v1/claim",
  heartbeat: "/worker/v1/heartbeat",
  goodbye: "/worker/v1/goodbye",
  attempt: (jobId: string, epoch: number, verb: AttemptVerb): string =>
    `/worker/v1/attempts/${jobId}/${epoch}/${verb}`,
} as const;

export type AttemptVerb = "report" | "uploads" | "complete" | "fail" | "release" | "canceled";

export const deviceSchema = z.strictObject({
  name: z.string().max(200),
  kind: z.string().max(40),
  vramTotalBytes: z.int().nonnegative(),
  vramFreeBytes: z.int().nonnegative(),
});

export const enrollRequestSchema = z.strictObject({
  /** Single use. Absent only where the gateway takes loopback callers without a key. */
  enrollmentToken: z.string().max(200).optional(),
  /** Instead of it: the worker token of another slot on the same card. */
  besideWorker: z.string().max(200).optional(),
  deployment: z.string().max(63).optional(),
  name: z.string().max(120),
  agentVersion: z.string().max(40),
  /** The platform's name of the instance: some platforms cannot say afterwards what they started. */
  externalId: z.string().max(200).optional(),
});

const ms = z.int().nonnegative();

export const enrollResponseSchema = z.strictObject({
  workerId: z.uuid(),
  workerToken: z.string(),
  heartbeatMs: z.int().positive(),
  leaseMs: z.int().positive(),
  /** How long the platform took before this agent ran; null for a worker that nobody launched. */
  launch: z
    .strictObject({
      /** From the request for the instance until the platform had it running. */
      capacityMs: ms,
      /** From there until the agent enrolled. */
      imageMs: ms,
    })
    .nullable(),
});

/** A model file of the deployment's release; `sources` are tried in order. */
export const modelFileSchema = z.strictObject({
  folder: z
    .string()
    .max(100)
    .refine((name) => isSafePath(name) && !name.includes("/"), "must be one folder's name"),
  /** Looked for in ComfyUI's folders before anything is fetched: it must not lead out of them. */
  filename: z
    .string()
    .max(400)
    .refine(isSafePath, "must be a relative path with / and without .. or special characters"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/u)
    .nullable(),
  bytes: ms.nullable(),
  sources: z.array(z.string().min(1).max(2000)).max(16),
});

/** What a deployment's workers are to have. Models are named `folder/filename` elsewhere. */
export const releaseSchema = z.strictObject({
  models: z.array(modelFileSchema).max(2000),
  /** A workflow in API format that a new worker runs while it has no job. */
  warmup: z.record(z.string(), z.unknown()).nullable(),
});

export const modelsResponseSchema = releaseSchema.extend({
  /** Model keys that queued jobs need, the next job's first. */
  backlog: z.array(z.string()).max(256),
});

/** A model file that the worker has, and the fastest place where it has it. */
export const residentSchema = z.strictObject({
  /** `folder/filename`. */
  model: z.string().min(3).max(501),
  bytes: ms,
  tier: z.enum(["disk", "ram", "vram"]),
  pinned: z.boolean(),
});

/** The memory of the worker's card, shared with other workers of its slots; in bytes. */
export const cardMemorySchema = z.strictObject({
  totalBytes: z.int().positive(),
  /** Never given out: contexts of the processes, and what the operator reserves. */
  reserveBytes: z.int().nonnegative(),
  modelsBytes: z.int().nonnegative(),
  inferenceBytes: z.int().nonnegative(),
  cacheBytes: z.int().nonnegative(),
  /** In use by others than us. */
  foreignBytes: z.int().nonnegative(),
  /** Reserved by allocators and not in use. */
  slackBytes: z.int().nonnegative(),
  /** All that is in use, as measured last. */
  measuredBytes: z.int().nonnegative(),
  /** Measured less booked, before the book was corrected. */
  driftBytes: z.int(),
  source: z.enum(["nvidia-smi", "system_stats"]),
  strategy: z.enum(["balanced", "model-heavy", "inference-heavy"]),
});

const residentsSchema = z.array(residentSchema).max(2000);

/** What a gateway must know of a node class to judge a workflow before a worker sees it. */
export const nodeSummarySchema = z.strictObject({
  isOutput: z.boolean(),
  /** Inputs that name an uploaded file (`image_upload` and its kin in `/object_info`). */
  fileInputs: z.array(z.string().max(200)).max(64),
});

export const readyRequestSchema = z.strictObject({
  comfyuiVersion: z.string().max(80),
  kind: z.enum(["comfyui", "engine"]),
  devices: z.array(deviceSchema).max(64),
  /** By class name, from the worker's own `/object_info`. */
  nodes: z.record(z.string().max(300), nodeSummarySchema),
  residents: residentsSchema.optional(),
  /** Whether the worker has run something since its ComfyUI started. Absent: no. */
  isWarm: z.boolean().optional(),
});

export const claimRequestSchema = z.strictObject({
  waitMs: z.int().min(0).max(30_000),
  /** The worker still executes another attempt; idle workers come first. */
  isAhead: z.boolean().optional(),
  /** The most video memory that the job may need, where others are at work on the same card. */
  budgetBytes: z.int().nonnegative().optional(),
});

/** One file to place before the prompt runs; `path` leads to the value it replaces in the workflow. */
export const inputFileSchema = z.strictObject({
  path: z.array(z.union([z.string(), z.int()])).min(2),
  filename: z.string(),
  hash: z.string(),
  sizeBytes: z.int().nonnegative(),
  url: z.url(),
});

export const assignmentSchema = z.strictObject({
  jobId: z.uuid(),
  epoch: z.int().positive(),
  /** Also the `prompt_id` that ComfyUI sees. */
  attemptId: z.uuid(),
  workflow: z.record(z.string(), z.unknown()),
  /** Per-prompt credentials for partner nodes; to be forwarded, never stored or logged. */
  extraData: z.record(z.string(), z.string()),
  inputs: z.array(inputFileSchema),
  priority: z.enum(["low", "normal", "high", "critical"]).optional(),
  /** What it is reckoned to take of a card at its peak; absent where nothing is known. */
  peakBytes: z.int().nonnegative().optional(),
  /** The memory of the largest card on which it ran out: it is to run only where there is more. */
  ranOutBytes: z.int().nonnegative().optional(),
  /** The attempt is to be ended as `deadline_exceeded` after this long. */
  timeoutMs: z.int().positive(),
});

export const claimResponseSchema = z.strictObject({ assignment: assignmentSchema.nullable() });

const attemptRefSchema = z.strictObject({ jobId: z.uuid(), epoch: z.int().positive() });

/** What the worker is to do with an attempt: `stale` means stop it and drop its outputs. */
export const verdictSchema = z.enum(["continue", "cancel", "stale"]);

export const heartbeatRequestSchema = z.strictObject({
  attempts: z.array(attemptRefSchema).max(64),
  devices: z.array(deviceSchema).max(64).optional(),
  /** The whole list, when it has changed since the last beat that was answered. */
  residents: residentsSchema.optional(),
  memory: cardMemorySchema.optional(),
});

export const heartbeatResponseSchema = z.strictObject({
  attempts: z.array(attemptRefSchema.extend({ verdict: verdictSchema })),
  /** The worker is to finish what it has, claim nothing more, and leave. */
  drain: z.boolean(),
  /** The most memory that a card of the deployment has. */
  largestCardBytes: z.int().nonnegative().optional(),
});

export const progressSchema = z.strictObject({
  value: z.number().min(0).max(1),
  nodesDone: z.int().nonnegative(),
  nodesTotal: z.int().nonnegative(),
  currentNode: z.string().nullable(),
  currentNodeClass: z.string().nullable(),
  step: z.int().nullable(),
  steps: z.int().nullable(),
  message: z.string().max(500).nullable(),
});

export const previewSchema = z.strictObject({
  nodeId: z.string(),
  contentType: z.enum(["image/jpeg", "image/png"]),
  dataBase64: z.base64().max(4_000_000),
});

export const outputTypes = ["image", "video", "audio", "text", "file", "latent"] as const;

/** One stored output file; `key` is the one that the uploads route gave out for `hash`. */
export const outputFileSchema = z.strictObject({
  nodeId: z.string().max(300),
  name: z.string().min(1).max(500),
  type: z.enum(outputTypes),
  contentType: z.string().max(200),
  hash: z.string().regex(/^blake3:[0-9a-f]{64}$/u),
  sizeBytes: z.int().nonnegative(),
  key: z.string().max(512),
});

export const reportRequestSchema = z.strictObject({
  progress: progressSchema.optional(),
  preview: previewSchema.optional(),
  /** Outputs stored so far, each sent once, in order. */
  outputs: z.array(outputFileSchema).max(1000).optional(),
});

export const reportResponseSchema = z.strictObject({ verdict: verdictSchema });

export const uploadsRequestSchema = z.strictObject({
  files: z
    .array(
      z.strictObject({
        hash: outputFileSchema.shape.hash,
        sizeBytes: z.int().nonnegative(),
        contentType: z.string().max(200),
      }),
    )
    .min(1)
    .max(1000),
});

/** Where to PUT each file, in the order asked. */
export const uploadsResponseSchema = z.strictObject({
  uploads: z.array(
    z.strictObject({ key: z.string(), url: z.url(), headers: z.record(z.string(), z.string()) }),
  ),
});

/** Tail of what ComfyUI wrote while the attempt ran. */
export const attemptLogSchema = z.strictObject({
  text: z.string().max(262_144),
  truncated: z.boolean(),
});

/**
 * Phases of an attempt in milliseconds; absent where the phase did not occur. The first four are
 * the worker's cold start, told with its first attempt only; process and weights overlap.
 */
export const timingsSchema = z.strictObject({
  /** Until the platform had the instance running. */
  capacityMs: ms.optional(),
  /** From there until the agent ran. */
  imageMs: ms.optional(),
  /** From the agent's start until ComfyUI was ready. */
  processMs: ms.optional(),
  /** While model files that this attempt needs were arriving, whether or not it waited for them. */
  weightsMs: ms.optional(),
  /** From the claim until inputs and first models were there. */
  stageMs: ms.optional(),
  executeMs: ms.optional(),
  uploadMs: ms.optional(),
});

/** Outputs of up to this many bytes together may travel with the completion. */
export const maxInlineBytes = 192 * 1024;

/** The key of an output: unguessable, unique to the attempt, and checked against its bytes. */
export function outputKey(jobId: string, epoch: number, hash: string): string {
  return `jobs/${jobId}/${epoch}-${hash.slice("blake3:".length)}`;
}

export const completeRequestSchema = z.strictObject({
  /** All outputs in order, those already reported included. */
  outputs: z.array(outputFileSchema).max(1000),
  /** The bytes of small outputs that were not uploaded: one message instead of three. */
  contents: z
    .array(
      z.strictObject({
        hash: outputFileSchema.shape.hash,
        dataBase64: z.base64().max(Math.ceil(maxInlineBytes / 3) * 4),
      }),
    )
    .max(16)
    .optional(),
  /** The most video memory that the run was seen to take; absent where that could not be told. */
  peakBytes: z.int().positive().optional(),
  log: attemptLogSchema.nullable(),
  timings: timingsSchema,
});

export const failRequestSchema = z.strictObject({
  failureClass: z.enum(["user", "out_of_memory", "transient", "preempted"]),
  error: z.strictObject({
    /** A code of the error table. */
    code: z.string().max(60),
    message: z.string().max(4000),
    nodeId: z.string().max(300).nullable(),
    classType: z.string().max(300).nullable(),
    traceback: z.string().max(20_000).nullable(),
  }),
  /** Of a run that was out of memory: what it was reckoned to take, and what it could have had. */
  memory: z
    .strictObject({ reckonedBytes: z.int().nonnegative(), availableBytes: z.int().nonnegative() })
    .optional(),
  log: attemptLogSchema.nullable(),
  timings: timingsSchema,
});

export const releaseRequestSchema = z.strictObject({
  reason: z.enum(["drain", "shutdown", "preempted", "not_ready"]),
});

export const canceledRequestSchema = z.strictObject({ log: attemptLogSchema.nullable() });

export type Device = z.infer<typeof deviceSchema>;
export type CardMemory = z.infer<typeof cardMemorySchema>;
export type NodeSummary = z.infer<typeof nodeSummarySchema>;
export type ClaimRequest = z.infer<typeof claimRequestSchema>;
export type EnrollRequest = z.infer<typeof enrollRequestSchema>;
export type EnrollResponse = z.infer<typeof enrollResponseSchema>;
export type ReadyRequest = z.infer<typeof readyRequestSchema>;
export type ModelFile = z.infer<typeof modelFileSchema>;
export type Release = z.infer<typeof releaseSchema>;
export type ModelsResponse = z.infer<typeof modelsResponseSchema>;
export type Resident = z.infer<typeof residentSchema>;
export type InputFile = z.infer<typeof inputFileSchema>;
export type Assignment = z.infer<typeof assignmentSchema>;
export type Verdict = z.infer<typeof verdictSchema>;
export type HeartbeatRequest = z.infer<typeof heartbeatRequestSchema>;
export type HeartbeatResponse = z.infer<typeof heartbeatResponseSchema>;
export type JobProgress = z.infer<typeof progressSchema>;
export type Preview = z.infer<typeof previewSchema>;
export type OutputType = (typeof outputTypes)[number];
export type OutputFile = z.infer<typeof outputFileSchema>;
export type ReportRequest = z.infer<typeof reportRequestSchema>;
export type UploadsRequest = z.infer<typeof uploadsRequestSchema>;
export type UploadsResponse = z.infer<typeof uploadsResponseSchema>;
export type AttemptLog = z.infer<typeof attemptLogSchema>;
export type Timings = z.infer<typeof timingsSchema>;
export type CompleteRequest = z.infer<typeof completeRequestSchema>;
export type FailRequest = z.infer<typeof failRequestSchema>;
export type ReleaseRequest = z.infer<typeof releaseRequestSchema>;
