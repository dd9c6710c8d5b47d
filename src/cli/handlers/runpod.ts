import { spawn } from "node:child_process";
import { once } from "node:events";

import { errorMessage } from "../../kernel/errors.ts";
import { isJsonObject, type JsonObject } from "../../kernel/json.ts";
import type { Logger } from "../../observability/logger.ts";
import type { DirectRunner } from "./direct.ts";
import { directResult } from "./direct-result.ts";
import type { RunpodJob, RunpodJobs, RunpodResult } from "./runpod-jobs.ts";

export interface RunpodHandlerOptions {
  readonly jobs: RunpodJobs;
  /** Starts an agent of this image with the variables of a launch. */
  readonly agentCommand: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For workflows that are posted to the endpoint itself. */
  readonly direct: DirectRunner;
  readonly logger: Logger;
}

/** What a launch may hand to an agent; everything else of a job's input stays out of processes. */
const launchVariables = [
  "HEARTH_ENROLLMENT_TOKEN",
  "HEARTH_GATEWAY_URL",
  "HEARTH_WORKER_NAME",
  "HEARTH_INSTANCE_ID",
] as const;

/**
 * Takes jobs from RunPod's queue one after another until told to stop. A launch of Hearth's starts
 * an agent and ends when that has been drained; a bare `{"workflow": …}` runs here and now.
 */
export async function handleRunpodJobs(
  options: RunpodHandlerOptions,
  stopping: AbortSignal,
): Promise<void> {
  const { jobs, logger } = options;
  while (!stopping.aborted) {
    const job = await jobs.take(stopping).catch(() => undefined);
    if (job === undefined) continue;
    const over = new AbortController();
    const stop = AbortSignal.any([jobs.stopOf(job.id, over.signal), stopping]);
    const endPings = jobs.keepAlive(job.id);
    try {
      await jobs.finish(job, await resultOf(options, job, stop));
    } finally {
      over.abort();
      endPings();
    }
    logger.info({ jobId: job.id }, "a job of RunPod has ended");
  }
  await options.direct.close();
}

async function resultOf(
  options: RunpodHandlerOptions,
  job: RunpodJob,
  stop: AbortSignal,
): Promise<RunpodResult> {
  try {
    const launch = launchOf(job.input);
    if (launch !== undefined) return await drain(options, job, launch, stop);
    const workflow = job.input["workflow"];
    if (!isJsonObject(workflow)) {
      return { error: "input.workflow: must be a workflow in API format" };
    }
    return { output: await directResult(options.direct, job.id, workflow, stop) };
  } catch (thrown) {
    return { error: errorMessage(thrown) };
  }
}

function launchOf(input: JsonObject): JsonObject | undefined {
  const { hearth } = input as { hearth?: unknown };
  const environment = isJsonObject(hearth) ? hearth["environment"] : undefined;
  return isJsonObject(environment) ? environment : undefined;
}

async function drain(
  { agentCommand, environment, direct }: RunpodHandlerOptions,
  job: RunpodJob,
  launch: JsonObject,
  stop: AbortSignal,
): Promise<RunpodResult> {
  // The agent starts a ComfyUI of its own, and one card holds one.
  await direct.close();
  const given = launchVariables.flatMap((name) => {
    const value = launch[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  const [program = "", ...args] = agentCommand;
  const child = spawn(program, args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...environment, ...Object.fromEntries(given), HEARTH_EXTERNAL_ID: job.id },
  });
  const ask = (): void => void child.kill("SIGTERM");
  stop.addEventListener("abort", ask, { once: true });
  if (stop.aborted) ask();
  const [code] = (await once(child, "exit")) as [number | null];
  stop.removeEventListener("abort", ask);
  return code === 0
    ? { output: { status: "drained" } }
    : { error: `the agent ended with exit code ${code ?? "none"}` };
}
