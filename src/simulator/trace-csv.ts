import { err, ok, type Result } from "../kernel/result.ts";
import type { SimJob, Workload } from "./sim-job.ts";

/** The columns of a trace, in any order; others are ignored. */
const needed = [
  "gmt_create",
  "predict_status",
  "exec_time_seconds",
  "groupId",
  "num_images_per_prompt",
  "num_inference_steps",
  "checkpoint_model_version_id",
  "num_lora",
] as const;

type Column = (typeof needed)[number];

/**
 * How much of a recorded execution time is the run itself: the published means are 18.2 s for the
 * inference and 26.6 s for the whole, loads included.
 */
const runShare = 18.2 / 26.6;

const gibibyte = 1024 ** 3;

/**
 * Reads a trace of requests. Times are whole seconds, UTC; requests that never ran are left out.
 * The error names the line and what is wrong with it.
 */
export function parseTraceCsv(name: string, text: string): Result<Workload, string> {
  const [header = "", ...lines] = text.split(/\r?\n/u);
  const titles = header.split(",").map((title) => title.trim());
  const missing = needed.filter((column) => !titles.includes(column));
  if (missing.length > 0) return err(`${name}: the header lacks ${missing.join(", ")}`);
  const places = new Map(titles.map((title, index) => [title, index]));
  const jobs: SimJob[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const cells = line.split(",");
    const cell = (column: Column): string => cells[places.get(column) ?? -1]?.trim() ?? "";
    const job = readRequest(cell, jobs.length);
    if (!job.ok) return err(`${name}, line ${index + 2}: ${job.error}`);
    if (job.value !== undefined) jobs.push(job.value);
  }
  if (jobs.length === 0) return err(`${name}: no request in it ever ran`);
  jobs.sort((left, right) => left.arrivalSeconds - right.arrivalSeconds);
  return ok({ name, jobs });
}

function readRequest(
  cell: (column: Column) => string,
  number: number,
): Result<SimJob | undefined, string> {
  if (cell("predict_status") === "PENDING") return ok(undefined);
  const arrivalMs = Date.parse(`${cell("gmt_create").replace(" ", "T")}Z`);
  if (Number.isNaN(arrivalMs)) return err(`gmt_create "${cell("gmt_create")}" is not a time`);
  const execSeconds = Number(cell("exec_time_seconds") || "x");
  if (!(execSeconds >= 0)) {
    return err(`exec_time_seconds "${cell("exec_time_seconds")}" is not a number of seconds`);
  }
  const [model, tenant] = [cell("checkpoint_model_version_id"), cell("groupId")];
  if (model === "" || tenant === "") return err("no checkpoint_model_version_id or no groupId");
  const size = `${cell("num_images_per_prompt")} images, ${cell("num_inference_steps")} steps`;
  const loras = Number(cell("num_lora") || "0");
  return ok({
    jobId: String(number),
    arrivalSeconds: arrivalMs / 1000,
    tenant,
    model,
    priority: "normal",
    warmSeconds: Math.max(1, execSeconds * runShare),
    kind: `${model}, ${size}, ${loras} loras`,
    vramBytes: 12 * gibibyte,
    deadlineSeconds: null,
    images: Math.max(1, Number(cell("num_images_per_prompt")) || 1),
  });
}
