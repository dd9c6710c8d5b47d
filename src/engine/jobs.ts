import { isJsonObject, type JsonObject, type JsonValue } from "../kernel/json.ts";
import type { HistoryEntry, PromptTuple } from "./history.ts";
import { summarizeOutputs } from "./output-summary.ts";

export const jobStatuses = ["pending", "in_progress", "completed", "failed", "cancelled"] as const;

export type JobStatus = (typeof jobStatuses)[number];

export interface Job {
  readonly id: string;
  readonly status: JobStatus;
  readonly createTimeMs: number;
  readonly durationMs: number;
  readonly workflowId: string | undefined;
  /** The job as `/api/jobs` lists it. */
  readonly json: JsonObject;
}

/** A waiting or running prompt as a job. */
export function queuedJob(tuple: PromptTuple, status: "pending" | "in_progress"): Job {
  const { createTimeMs, workflowId } = origin(tuple);
  const json = {
    ...head(tuple, status),
    outputs_count: 0,
    previewable_outputs_count: 0,
    ...(workflowId !== undefined && { workflow_id: workflowId }),
  };
  return { id: tuple[1], status, createTimeMs, durationMs: 0, workflowId, json };
}

/** A finished prompt as a job. */
export function finishedJob({ prompt: tuple, outputs, status: execution }: HistoryEntry): Job {
  const { createTimeMs, workflowId } = origin(tuple);
  const events = new Map(execution.messages);
  const startMs = timestamp(events.get("execution_start"));
  const error = events.get("execution_error");
  const interruption = events.get("execution_interrupted");
  const endMs = timestamp(events.get("execution_success") ?? error ?? interruption);
  const failed = interruption === undefined ? "failed" : "cancelled";
  const status = execution.status_str === "success" ? "completed" : failed;
  const summary = summarizeOutputs(outputs);
  const json = {
    ...head(tuple, status),
    ...(startMs !== undefined && { execution_start_time: startMs }),
    ...(endMs !== undefined && { execution_end_time: endMs }),
    ...(error !== undefined && { execution_error: error }),
    outputs_count: summary.count,
    previewable_outputs_count: summary.previewableCount,
    ...(summary.preview !== undefined && { preview_output: summary.preview }),
    ...(workflowId !== undefined && { workflow_id: workflowId }),
  };
  const durationMs = (endMs ?? 0) - (startMs ?? endMs ?? 0);
  return { id: tuple[1], status, createTimeMs, durationMs, workflowId, json };
}

/** A finished job with everything that `/api/jobs/{id}` adds. */
export function detailedJob(entry: HistoryEntry): JsonObject {
  const [, , prompt, extraData] = entry.prompt;
  return {
    ...finishedJob(entry).json,
    outputs: entry.outputs,
    execution_status: { ...entry.status },
    workflow: { prompt, extra_data: extraData },
  };
}

function head([number, id, , extraData]: PromptTuple, status: JobStatus): JsonObject {
  const created = extraData["create_time"];
  return { id, status, priority: number, ...(created !== undefined && { create_time: created }) };
}

function origin([, , , extraData]: PromptTuple): {
  createTimeMs: number;
  workflowId: string | undefined;
} {
  const created = extraData["create_time"];
  const pngInfo = extraData["extra_pnginfo"];
  const workflow = isJsonObject(pngInfo) ? pngInfo["workflow"] : undefined;
  const id = isJsonObject(workflow) ? workflow["id"] : undefined;
  return {
    createTimeMs: typeof created === "number" ? created : 0,
    workflowId: typeof id === "string" ? id : undefined,
  };
}

function timestamp(data: JsonObject | undefined): number | undefined {
  const value: JsonValue | undefined = data?.["timestamp"];
  return typeof value === "number" ? value : undefined;
}
