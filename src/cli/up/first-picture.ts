import { access, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { ApiClient } from "../api/client.ts";
import { watchJob } from "../api/watch-job.ts";
import type { Io } from "../output.ts";
import { packagePath } from "../package-paths.ts";
import { downloadOutputs } from "../run/download.ts";
import { assertSucceeded } from "../run/follow.ts";
import { submitJob } from "../run/submit.ts";
import { readWorkflow } from "../run/workflow-file.ts";

export const firstWorkflow = "examples/first-picture.json";

export interface FirstPicture {
  readonly path: string;
  /** Null: it stood there from an earlier start. */
  readonly tookMs: number | null;
}

/** Longer than any machine needs for it. */
const limitMs = 60_000;

/** The picture of an earlier start, if there is one. */
export async function findFirstPicture(dataDir: string): Promise<FirstPicture | undefined> {
  const path = join(dataDir, "first-picture.png");
  return access(path).then(
    () => ({ path, tookMs: null }),
    () => undefined,
  );
}

/** Runs the bundled example through the API, as any client would, and keeps its picture. */
export async function makeFirstPicture(
  url: string,
  dataDir: string,
  io: Io,
  stop: AbortSignal,
): Promise<FirstPicture> {
  const path = join(dataDir, "first-picture.png");
  const client = new ApiClient({ baseUrl: url, apiKey: undefined });
  const workflow = await readWorkflow(packagePath(firstWorkflow), io);
  const startedAtMs = performance.now();
  const signal = AbortSignal.any([stop, AbortSignal.timeout(limitMs)]);
  const metadata = { example: "first-picture" };
  const submitted = await submitJob(client, { workflow, metadata, signal });
  const job = await watchJob(client, submitted.id, { signal });
  assertSucceeded(job);
  const folder = await mkdtemp(join(dataDir, "first-picture-"));
  try {
    const [file] = await downloadOutputs(client, job, { folder, force: false, signal });
    if (file === undefined) throw new Error("the example gave no picture");
    await rename(file, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { path, tookMs: performance.now() - startedAtMs };
}
