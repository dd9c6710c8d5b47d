import { z } from "zod";

import { err, ok, type Result } from "../kernel/result.ts";
import * as part from "./release-parts.ts";

const packSchema = z
  .strictObject({
    id: part.packId.optional(),
    version: z.string().min(1).max(100).optional(),
    repository: part.repositoryUrl.optional(),
    /** A tag, branch or commit of the repository. */
    ref: part.gitRef.optional(),
  })
  .refine((pack) => pack.id !== undefined || pack.repository !== undefined, {
    message: "must name an id of the registry or a repository",
  });

const modelSchema = z.strictObject({
  folder: part.safeName,
  filename: part.safePath,
  sources: z.array(part.modelSource).max(16).default([]),
  sha256: part.sha256.optional(),
});

/** The file `hearth.yaml`: what a person asks for. */
const manifestSchema = z.strictObject({
  /** The deployment's name. */
  name: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/u, "must have a-z, 0-9 and - only, up to 63"),
  comfyui: part.gitRef.optional(),
  python: z
    .string()
    .regex(/^3\.\d{1,2}$/u, "must be a version such as 3.12")
    .optional(),
  packs: z.array(packSchema).max(512).default([]),
  models: z.array(modelSchema).max(2000).default([]),
  pip: z.array(part.requirement).max(1000).default([]),
  /** Files of workflows that the deployment must be able to run, beside this one. */
  workflows: z.array(part.safePath).max(200).default([]),
  deployment: z
    .strictObject({
      /** A workflow that a new worker runs before it takes jobs. */
      warmup: part.safePath.optional(),
      comfyuiArguments: part.comfyuiArguments.default([]),
    })
    .prefault({}),
});

export type ReleaseManifest = z.infer<typeof manifestSchema>;

/** Reads `hearth.yaml` after YAML has been parsed. The error names the key and the reason. */
export function parseManifest(value: unknown): Result<ReleaseManifest, string> {
  const parsed = manifestSchema.safeParse(value);
  return parsed.success ? ok(parsed.data) : err(part.firstIssue(parsed.error));
}
