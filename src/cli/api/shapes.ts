import { z } from "zod";

import { jobStates } from "../../queue/job.ts";

/** The parts of Comfy API v2 answers that commands read; further fields are let through. */
export const outputSchema = z.looseObject({
  node_id: z.string(),
  name: z.string(),
  size_bytes: z.number(),
  content_type: z.string(),
  id: z.string(),
  hash: z.string().nullable(),
});

export const progressSchema = z.looseObject({
  value: z.number(),
  nodes_done: z.number(),
  nodes_total: z.number(),
  current_node_class: z.string().nullish(),
  step: z.number().nullish(),
  steps: z.number().nullish(),
  message: z.string().nullish(),
});

const jobErrorSchema = z.looseObject({
  code: z.string(),
  message: z.string(),
  node_id: z.string().nullish(),
  class_type: z.string().nullish(),
});

export const jobSchema = z.looseObject({
  id: z.string(),
  status: z.enum(jobStates),
  created_at: z.string(),
  started_at: z.string().nullable(),
  completed_at: z.string().nullable(),
  expires_at: z.string(),
  queue_position: z.number().nullable(),
  progress: progressSchema.nullable(),
  outputs: z.array(outputSchema),
  error: jobErrorSchema.nullable(),
  metrics: z.record(z.string(), z.number().nullable()).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

export const jobListSchema = z.looseObject({
  jobs: z.array(
    z.looseObject({
      id: z.string(),
      status: z.enum(jobStates),
      create_time: z.string(),
      update_time: z.string(),
      deployment_id: z.string(),
      metadata: z.record(z.string(), z.string()),
    }),
  ),
  next_cursor: z.string().nullish(),
});

export const assetSchema = z.looseObject({ id: z.string() });

export const logsSchema = z.looseObject({ text: z.string(), truncated: z.boolean() });

export const errorEnvelopeSchema = z.looseObject({
  error: z.looseObject({
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()).nullish(),
  }),
});

export const statusEventSchema = z.looseObject({
  status: z.enum(jobStates),
  queue_position: z.number().nullish(),
});

export type Job = z.infer<typeof jobSchema>;
export type JobOutput = z.infer<typeof outputSchema>;
export type Progress = z.infer<typeof progressSchema>;
