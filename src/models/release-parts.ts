import { z } from "zod";

import { isSafePath } from "../kernel/safe-path.ts";

/** A relative path with `/`, such as `SDXL/base.safetensors`. */
export const safePath = z
  .string()
  .min(1)
  .max(400)
  .refine(isSafePath, "must be a relative path with / and without .. or special characters");

export const safeName = safePath.refine((name) => !name.includes("/"), "must be one name");

/** 40 digits, as git names a commit. */
export const commit = z.string().regex(/^[0-9a-f]{40}$/u, "must be a commit of 40 hex digits");

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/u, "must be 64 lower-case hex digits");

/** A tag, a branch or a commit. */
export const gitRef = z
  .string()
  .max(200)
  .regex(/^(?!-)[\w./+-]+$/u, "must be a tag, a branch or a commit");

/** Without credentials: a lock file is shared. */
export const repositoryUrl = z
  .string()
  .max(300)
  .regex(/^https:\/\/[\w.-]+(?::\d+)?\/[\w./~-]+$/u, "must be an https URL without credentials");

/** A URL or a shorthand such as `hf:owner/repo/file`, never with a user and password in it. */
export const modelSource = z
  .string()
  .min(1)
  .max(2000)
  .refine((source) => !/^[a-z][\w+.-]*:\/\/[^/?#]*@/iu.test(source), "must not hold credentials");

/** An id of the ComfyUI registry. */
export const packId = z
  .string()
  .max(100)
  .regex(/^[\w.-]+$/u, "must be an id of the registry");

/** A requirement as pip reads it, such as `onnxruntime==1.20.0`. */
export const requirement = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^-\s\n][^\n]*$/u, "must be one requirement, not an option of pip");

/** Arguments of ComfyUI's command line, such as `--fast`. */
export const comfyuiArguments = z.array(z.string().min(1).max(200)).max(64);

/** What is wrong with a document, in words: "models.3.sha256 must be 64 lower-case hex digits". */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return "is not valid";
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    return `${path === "" ? "" : `${path}.`}${issue.keys[0]} is not a key that it knows`;
  }
  return `${path === "" ? "the document" : path} ${issue.message}`;
}
