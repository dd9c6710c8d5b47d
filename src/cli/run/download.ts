import { createReadStream } from "node:fs";
import { link, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { Blake3 } from "../../kernel/blake3.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { ApiClient } from "../api/client.ts";
import type { Job, JobOutput } from "../api/shapes.ts";
import { CliFailure } from "../failure.ts";
import { distinctNames } from "./file-name.ts";

export interface DownloadOptions {
  /** Made if missing. */
  readonly folder: string;
  readonly force: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Saves a job's outputs and returns their paths in order. A file that already holds the same bytes
 * is left as it is. Errors: `file_exists`, and `hash_mismatch` for bytes that arrived damaged.
 */
export async function downloadOutputs(
  client: ApiClient,
  job: Job,
  options: DownloadOptions,
): Promise<readonly string[]> {
  await mkdir(options.folder, { recursive: true });
  const names = distinctNames(job.outputs);
  const paths = names.map((name) => join(options.folder, name));
  const taken = options.force ? [] : await findTaken(job.outputs, paths);
  if (taken.length > 0) {
    throw new CliFailure("file_exists", `${taken.join(", ")} exists with other contents.`, {
      hint: `Add --force to replace, or fetch to another folder: hearth jobs get ${job.id} --out DIR`,
      details: { job_id: job.id, files: taken },
    });
  }
  for (const [index, output] of job.outputs.entries()) {
    const path = paths[index];
    if (path !== undefined) await downloadOne(client, output, path, options);
  }
  return paths;
}

async function findTaken(
  outputs: readonly JobOutput[],
  paths: readonly string[],
): Promise<readonly string[]> {
  const taken: string[] = [];
  for (const [index, path] of paths.entries()) {
    const output = outputs[index];
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || output === undefined) continue;
    const isSame = found.isFile() && output.hash !== null && (await hashOf(path)) === output.hash;
    if (!isSame) taken.push(path);
  }
  return taken;
}

async function hashOf(path: string): Promise<string> {
  const hasher = new Blake3();
  for await (const chunk of createReadStream(path)) hasher.update(chunk as Buffer);
  return hasher.digest();
}

/** Nobody sees half a file: it gets its name when it is whole. */
async function downloadOne(
  client: ApiClient,
  output: JobOutput,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  try {
    const hash = await fetchInto(client, output, draft, options.signal);
    if (output.hash !== null && hash !== output.hash) {
      throw new HearthError("hash_mismatch", { details: { asset_id: output.id } });
    }
    if (options.force) await rename(draft, path);
    else await linkUnlessThere(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

async function fetchInto(
  client: ApiClient,
  output: JobOutput,
  draft: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const contentPath = `/api/v2/assets/${encodeURIComponent(output.id)}/content`;
  const response = await client.send("GET", contentPath, { signal, timeoutMs: null });
  const hasher = new Blake3();
  const file = await open(draft, "wx");
  try {
    for await (const chunk of response.body ?? []) {
      const bytes = Buffer.from(chunk as Uint8Array);
      hasher.update(bytes);
      await file.write(bytes);
    }
  } finally {
    await file.close();
  }
  return hasher.digest();
}

/** A link fails where the name exists, so not even a file that appeared meanwhile is replaced. */
async function linkUnlessThere(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : "";
    if (code === "EEXIST" && (await hashOf(draft)) === (await hashOf(path))) return;
    if (code === "EEXIST") throw new CliFailure("file_exists", `${path} has just appeared.`);
    // Some file systems have no links.
    await rename(draft, path);
  }
}
