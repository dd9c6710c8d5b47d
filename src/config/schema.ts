import { z } from "zod";

import { HearthError } from "../kernel/errors.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { platformsSchema } from "./platform-settings.ts";

const port = z.int().min(0).max(65_535);
const count = z.int().positive();
const durationMs = z.int().positive().max(2_147_483_647);

const blobsSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("fs") }),
  z.strictObject({
    kind: z.literal("s3"),
    bucket: z.string().min(3).max(63),
    prefix: z.string().max(200).optional(),
    region: z.string().min(1).optional(),
    endpoint: z.url({ protocol: /^https?$/u }).optional(),
    forcePathStyle: z.boolean().optional(),
  }),
]);

/** Bounds on what callers may send; what is absent keeps the gateway's default. */
const limitsSchema = z.strictObject({
  bodyBytes: count.optional(),
  jsonDepth: count.max(1_000).optional(),
  workflowNodes: count.optional(),
  uploadBytes: count.optional(),
  imagePixels: count.optional(),
  streamsPerTenant: count.optional(),
});

const leaseSchema = z
  .strictObject({
    heartbeatMs: durationMs.default(5_000),
    leaseMs: durationMs.default(30_000),
    reaperIntervalMs: durationMs.default(2_000),
  })
  .refine((lease) => lease.leaseMs >= 2 * lease.heartbeatMs, {
    path: ["leaseMs"],
    message: "must be at least twice heartbeatMs, or one lost heartbeat would end a lease",
  });

/** A token is named, never written down: the worker reads it from its environment or a file. */
const secretReference = z
  .string()
  .regex(/^(?:env:[A-Za-z_][A-Za-z0-9_]{0,99}|file:\/.+)$/u, "must be env:NAME or file:/path");

const modelsSchema = z.strictObject({
  /** The store of model files. Absent: `models` in the data folder. */
  folder: z.string().min(1).optional(),
  /** What all model files together may take; absent: what the disk has. */
  maxBytes: count.optional(),
  /** What has to stay free on the disk. */
  floorBytes: z
    .int()
    .nonnegative()
    .default(2 * 1024 ** 3),
  /** Private hosts, addresses and ranges that files may be fetched from. */
  allow: z.array(z.string().min(1).max(253)).max(100).default([]),
  /** Other machines that run `hearth models serve`, asked first. */
  peers: z
    .array(z.url({ protocol: /^https?$/u }))
    .max(16)
    .default([]),
  /** Tokens by host: bearer tokens, or keys that sign requests to S3. */
  tokens: z
    .record(z.string().max(253), secretReference)
    .default({ "huggingface.co": "env:HF_TOKEN", "civitai.com": "env:CIVITAI_TOKEN" }),
});

/** The file `hearth.json`; flags and environment variables set the same keys. */
export const settingsSchema = z.strictObject({
  /** Where everything local lives: the private Postgres, blobs, secrets, workers. */
  dataDir: z.string().min(1).default(".hearth"),
  /** Absent: a private Postgres in the data folder. */
  databaseUrl: z.url({ protocol: /^postgres(?:ql)?$/u }).optional(),
  host: z.string().min(1).default("127.0.0.1"),
  /** 0 picks a free one. */
  port: port.default(8_787),
  /** How clients and workers reach the gateway; asset URLs begin with it. */
  publicUrl: z.url({ protocol: /^https?$/u }).optional(),
  /** Whether callers on this machine need no key. */
  trustsLoopback: z.boolean().default(true),
  blobs: blobsSchema.default({ kind: "fs" }),
  limits: limitsSchema.default({}),
  lease: leaseSchema.prefault({}),
  models: modelsSchema.prefault({}),
  signedUrlMs: durationMs.default(3_600_000),
  /** How often what is past its retention is deleted. */
  sweepIntervalMs: durationMs.default(60_000),
  /** Your own prices, machines and limits, laid over the shipped catalogue. */
  pricesFile: z.string().min(1).optional(),
  /** Where workers run, by a name of the operator's own. */
  platforms: platformsSchema,
  /** Absent: each command has its own. */
  logLevel: z.enum(["silent", "error", "warn", "info", "debug"]).optional(),
});

export type Settings = Readonly<z.infer<typeof settingsSchema>>;

/** A source's settings as nested keys, with the name that its user knows it by. */
export interface SettingsLayer {
  /** Such as "the environment" or a file's path. */
  readonly source: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const mergedByKey: ReadonlySet<string> = new Set(["limits", "lease", "models"]);

/**
 * Merges layers, the first winning, and checks the whole. Nested objects merge key by key, except
 * `blobs`, whose kinds do not mix. Errors: `config_invalid` naming setting and source.
 */
export function parseSettings(layers: readonly SettingsLayer[]): Result<Settings, HearthError> {
  const merged: Record<string, unknown> = {};
  for (const layer of layers.toReversed()) {
    for (const [key, value] of Object.entries(layer.values)) {
      merged[key] = mergedByKey.has(key) ? mergeKeys(merged[key], value) : value;
    }
  }
  const parsed = settingsSchema.safeParse(merged);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  return err(invalid(issue, layers));
}

function mergeKeys(under: unknown, over: unknown): unknown {
  return isRecord(under) && isRecord(over) ? { ...under, ...over } : over;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(
  issue: z.core.$ZodIssue | undefined,
  layers: readonly SettingsLayer[],
): HearthError {
  const unknownKeys = issue?.code === "unrecognized_keys" ? issue.keys : [];
  const setting = [...(issue?.path ?? []), ...unknownKeys.slice(0, 1)].map(String).join(".");
  const [top = ""] = setting.split(".");
  const source = layers.find((layer) => Object.hasOwn(layer.values, top))?.source;
  const where = source === undefined ? "" : ` (from ${source})`;
  const what = unknownKeys.length > 0 ? "there is no such setting" : (issue?.message ?? "invalid");
  return new HearthError("config_invalid", {
    message: `The setting ${setting}${where} is not valid: ${what}.`,
    details: { setting, ...(source !== undefined && { source }) },
  });
}
