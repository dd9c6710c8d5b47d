import { z } from "zod";

/** The bodies of Comfy API v2 as this gateway reads and writes them (`docs.comfy.org`, v2.0.0). */
export const postJobBodySchema = z.strictObject({
  workflow: z.unknown().refine((value) => value !== undefined, "is required"),
  extra_data: z
    .strictObject({
      api_key_comfy_org: z.string().max(4096).optional(),
      auth_token_comfy_org: z.string().max(8192).optional(),
    })
    .optional(),
  metadata: z.unknown().optional(),
});

const hashSchema = z.string().regex(/^blake3:[0-9a-f]{64}$/u, "must be blake3:<64 hex digits>");
const tagSchema = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters");
const maxTags = 32;

export const fromHashBodySchema = z.strictObject({
  hash: hashSchema,
  file_path: z.string().optional(),
  tags: z.array(tagSchema).max(maxTags).optional(),
  expires_in: z.int().min(60).max(604_800).optional(),
});

/** The text fields of an upload, each sent as a part of its own; `tags` may repeat. */
export const uploadFieldsSchema = z.strictObject({
  content_type: z
    .string()
    .max(200)
    .regex(/^[\w.+-]+\/[\w.+-]+(?:; ?[\w.+-]+=[\w.+-]+)*$/u, "must be a media type"),
  file_path: z.string(),
  expected_hash: hashSchema.optional(),
  tags: z.array(tagSchema).max(maxTags),
  expires_in: z
    .string()
    .regex(/^\d{1,9}$/u, "must be whole seconds")
    .transform(Number)
    .pipe(z.int().min(60).max(604_800))
    .optional(),
});

/** Timestamps are UTC and end in `Z`. */
type Timestamp = string;

export interface AssetBody {
  readonly id: string;
  readonly hash: string | null;
  readonly size_bytes: number;
  readonly content_type: string;
  readonly file_path: string | null;
  readonly created_new?: boolean;
  readonly created_at: Timestamp;
  readonly url: string;
  readonly url_expires_at: Timestamp;
  readonly expires_at: Timestamp | null;
  readonly job_id: string | null;
}

export interface ProgressBody {
  readonly value: number;
  readonly nodes_done: number;
  readonly nodes_total: number;
  readonly current_node: string | null;
  readonly current_node_class: string | null;
  readonly step: number | null;
  readonly steps: number | null;
  readonly message: string | null;
}

export interface OutputBody {
  readonly node_id: string;
  readonly name: string;
  readonly type: string;
  readonly content_type: string;
  readonly size_bytes: number;
  readonly id: string;
  readonly hash: string | null;
  readonly url: string;
  readonly url_expires_at: Timestamp;
  readonly job_id: string;
}

/** Milliseconds; null where a phase has not ended or did not occur. */
export interface MetricsBody {
  /** From now until a queued job starts: at best, and at worst. */
  readonly start_in_min_ms: number | null;
  readonly start_in_max_ms: number | null;
  readonly queue_ms: number | null;
  readonly execution_ms: number | null;
  /** Phases of the attempt that counts, once it has ended; the first four are a cold start's. */
  readonly capacity_ms: number | null;
  readonly image_ms: number | null;
  readonly process_ms: number | null;
  readonly weights_ms: number | null;
  readonly stage_ms: number | null;
  readonly inference_ms: number | null;
  readonly upload_ms: number | null;
}

export interface JobBody {
  readonly id: string;
  readonly status: string;
  readonly created_at: Timestamp;
  readonly started_at: Timestamp | null;
  readonly completed_at: Timestamp | null;
  readonly expires_at: Timestamp;
  readonly queue_position: number | null;
  readonly progress: ProgressBody | null;
  readonly outputs: readonly OutputBody[];
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly node_id: string | null;
    readonly class_type: string | null;
    readonly traceback: string | null;
  } | null;
  readonly metrics: MetricsBody;
  readonly urls: {
    readonly self: string;
    readonly events: string;
    readonly cancel: string;
    readonly logs: string;
  };
  readonly metadata: Readonly<Record<string, string>>;
}

/** A line of the job list: the stored record, without outputs. */
export interface JobListItem {
  readonly id: string;
  readonly status: string;
  readonly create_time: Timestamp;
  readonly update_time: Timestamp;
  readonly deployment_id: string;
  readonly metadata: Readonly<Record<string, string>>;
}
