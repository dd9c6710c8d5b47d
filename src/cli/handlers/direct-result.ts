import type { JsonObject } from "../../kernel/json.ts";
import type { DirectOutput } from "../../worker/direct-run.ts";
import type { DirectRunner } from "./direct.ts";

/** The answer to a workflow that was posted to a worker itself. */
export interface DirectResult {
  readonly execution_id: string;
  readonly status: "completed";
  readonly output: readonly DirectOutput[];
  /** Seconds. */
  readonly execution_time: number;
}

/** Runs a workflow here and now. Throws as `runDirectly` does. */
export async function directResult(
  direct: DirectRunner,
  executionId: string,
  workflow: JsonObject,
  stop: AbortSignal,
): Promise<DirectResult> {
  const startedMs = performance.now();
  const output = await direct.run(workflow, stop);
  const execution_time = Math.round(performance.now() - startedMs) / 1_000;
  return { execution_id: executionId, status: "completed", output, execution_time };
}
