import { isErrorCode } from "../../kernel/error-table.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { ApiClient } from "../api/client.ts";
import { jobSchema, type Job } from "../api/shapes.ts";
import { watchJob, type JobView } from "../api/watch-job.ts";
import { CliFailure } from "../failure.ts";
import { listenForInterrupts } from "../interrupts.ts";
import type { Io, Output } from "../output.ts";
import { formatProgress, milestoneOf } from "./progress-line.ts";

export interface FollowOptions {
  readonly io: Io;
  readonly output: Output;
  readonly timeoutMs?: number | undefined;
  /** Whether Ctrl-C cancels the job, or only ends the watching. */
  readonly cancels: boolean;
}

/**
 * Shows a job until it has ended. Errors: `timeout` when it takes too long, `interrupted` after
 * Ctrl-C; whether it succeeded is for the caller to see.
 */
export async function followJob(
  client: ApiClient,
  jobId: string,
  options: FollowOptions,
): Promise<Job> {
  const { output, timeoutMs } = options;
  const display = createDisplay(options);
  const interrupts = listenForInterrupts();
  const leave = options.cancels ? interrupts.second : interrupts.first;
  const limit = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
  const onInterrupt = (): void => {
    if (!options.cancels) return;
    display.end();
    output.note("canceling the job; Ctrl-C again leaves it as it is");
    const path = `/api/v2/jobs/${encodeURIComponent(jobId)}/cancel`;
    // The watch goes on and shows whether the cancel took effect.
    void client.json(jobSchema, "POST", path).catch(() => output.note("the cancel got no answer"));
  };
  interrupts.first.addEventListener("abort", onInterrupt, { once: true });
  try {
    const signal = AbortSignal.any([leave, ...limit]);
    const job = await watchJob(client, jobId, { onChange: display.show, signal });
    if (interrupts.first.aborted && job.status === "canceled") throw interrupted(jobId, job.status);
    return job;
  } catch (thrown) {
    if (leave.aborted) throw interrupted(jobId, "left as it is");
    if (limit.some((signal) => signal.aborted)) {
      const message = `The job has not ended in ${(timeoutMs ?? 0) / 1000} s.`;
      throw new CliFailure("timeout", message, { details: { job_id: jobId } });
    }
    throw thrown;
  } finally {
    display.end();
    interrupts.close();
  }
}

function interrupted(jobId: string, state: string): CliFailure {
  const details = { job_id: jobId };
  return new CliFailure("interrupted", `Interrupted; the job is ${state}.`, { details });
}

/** Throws what went wrong unless the job has succeeded. */
export function assertSucceeded(job: Job): void {
  if (job.status === "succeeded") return;
  const details = { job_id: job.id };
  if (job.status === "canceled") {
    throw new CliFailure("canceled", "The job was canceled.", { details });
  }
  const {
    code,
    message,
    node_id: nodeId,
    class_type: classType,
  } = job.error ?? {
    code: "upstream_error",
    message: `The job ended as ${job.status}.`,
  };
  const where = nodeId ? ` (node ${nodeId}${classType ? `, ${classType}` : ""})` : "";
  throw new HearthError(isErrorCode(code) ? code : "node_execution_error", {
    message: message + where,
    details: { ...details, code, node_id: nodeId ?? null, class_type: classType ?? null },
  });
}

interface Display {
  readonly show: (view: JobView) => void;
  /** Leaves the line, so that the next text begins a new one. */
  readonly end: () => void;
}

function createDisplay({ io, output }: FollowOptions): Display {
  const { stderr } = io;
  let last = "";
  if (stderr.isTTY !== true) {
    const show = (view: JobView): void => {
      const text = milestoneOf(view);
      if (text !== last && !output.isJson) output.note(text);
      last = text;
    };
    return { show, end: () => undefined };
  }
  const show = (view: JobView): void => {
    const text = formatProgress(view, stderr.columns ?? 80);
    if (text !== last) stderr.write(`\r\u001B[K${text}`);
    last = text;
  };
  const end = (): void => {
    if (last !== "") stderr.write("\r\u001B[K");
    last = "";
  };
  return { show, end };
}
