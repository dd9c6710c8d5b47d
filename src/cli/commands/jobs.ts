import { formatDurationMs } from "../../kernel/duration.ts";
import type { Job } from "../api/shapes.ts";
import { jobListSchema, jobSchema, logsSchema } from "../api/shapes.ts";
import { fetchJob } from "../api/watch-job.ts";
import { clientOf, type CommandContext } from "../command-context.ts";
import { assertSucceeded, followJob } from "../run/follow.ts";
import { formatTable, oneLine } from "../table.ts";
import { saveOutputs } from "./run.ts";

export interface JobListFlags {
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly deployment: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** `hearth jobs ls`: newest first. */
export async function listJobs(context: CommandContext, flags: JobListFlags): Promise<void> {
  const query = new URLSearchParams({ limit: String(flags.limit) });
  if (flags.cursor !== undefined) query.set("cursor", flags.cursor);
  for (const [key, value] of Object.entries(flags.metadata)) query.set(`metadata[${key}]`, value);
  const client = clientOf(context, flags.deployment);
  const list = await client.json(jobListSchema, "GET", `/api/v2/jobs?${query.toString()}`);
  const text = formatTable(list.jobs, [
    { title: "ID", text: (job) => job.id },
    { title: "STATUS", text: (job) => job.status },
    { title: "SUBMITTED", text: (job) => job.create_time },
    { title: "DEPLOYMENT", text: (job) => job.deployment_id },
  ]);
  context.output.result(list, text);
  if (list.next_cursor) context.output.note(`more: --cursor ${list.next_cursor}`);
}

export interface JobGetFlags {
  readonly out: string | undefined;
  readonly force: boolean;
}

/** `hearth jobs get`: how a job stands; with `--out` its outputs. */
export async function getJob(
  context: CommandContext,
  jobId: string,
  flags: JobGetFlags,
): Promise<void> {
  const client = clientOf(context);
  const job = await fetchJob(client, jobId);
  const { out, force } = flags;
  if (out !== undefined) return saveOutputs(context, client, job, { out, force });
  context.output.result(job, describeJob(job));
}

export interface JobWatchFlags {
  readonly timeoutMs: number | undefined;
}

/** `hearth jobs watch`: until the job has ended; Ctrl-C leaves it alone. */
export async function watchToEnd(
  context: CommandContext,
  jobId: string,
  flags: JobWatchFlags,
): Promise<void> {
  const { io, output } = context;
  const { timeoutMs } = flags;
  const client = clientOf(context);
  const job = await followJob(client, jobId, { io, output, timeoutMs, cancels: false });
  assertSucceeded(job);
  output.result(job, describeJob(job));
}

/** `hearth jobs cancel`: asks for it; a running job ends within seconds. */
export async function cancelJob(context: CommandContext, jobId: string): Promise<void> {
  const path = `/api/v2/jobs/${encodeURIComponent(jobId)}/cancel`;
  const job = await clientOf(context).json(jobSchema, "POST", path);
  context.output.result(job, job.status);
}

/** `hearth jobs logs`: what ComfyUI wrote while the job ran. */
export async function printLogs(context: CommandContext, jobId: string): Promise<void> {
  const path = `/api/v2/jobs/${encodeURIComponent(jobId)}/logs`;
  const response = await clientOf(context).send("GET", path);
  if (response.status === 204) {
    context.output.note("the job has no log");
    return context.output.result(null, "");
  }
  const logs = logsSchema.parse(await response.json());
  if (logs.truncated) context.output.note("only the end of the log was kept");
  context.output.result(logs, withoutEscapes(logs.text).trimEnd());
}

function describeJob(job: Job): string {
  const waitedMs = span(job.created_at, job.started_at);
  const ranMs = span(job.started_at, job.completed_at);
  const lines = [
    ["id", job.id],
    ["status", job.status],
    ["submitted", job.created_at],
    ["waited", waitedMs === undefined ? "" : formatDurationMs(waitedMs)],
    ["ran", ranMs === undefined ? "" : formatDurationMs(ranMs)],
    ...phases(job),
    ["starts in", startText(job)],
    ["error", job.error === null ? "" : `${job.error.code}: ${oneLine(job.error.message)}`],
    ["kept until", job.expires_at],
    ...job.outputs.map((output) => ["output", `${oneLine(output.name)} (${output.content_type})`]),
  ];
  return lines
    .filter(([, value]) => value !== "")
    .map(([name = "", value = ""]) => `${name.padEnd(12)}${value}`)
    .join("\n");
}

const phaseNames = [
  ["capacity_ms", "capacity"],
  ["image_ms", "image"],
  ["process_ms", "process"],
  ["weights_ms", "weights"],
  ["stage_ms", "staging"],
  ["inference_ms", "inference"],
  ["upload_ms", "upload"],
] as const;

/** What the time of the attempt went into; a cold start's phases overlap. */
function startText({ metrics = {} }: Job): string {
  const { start_in_min_ms: minMs = null, start_in_max_ms: maxMs = null } = metrics;
  if (minMs === null || maxMs === null) return "";
  return `${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}`;
}

function phases({ metrics = {} }: Job): string[][] {
  return phaseNames.map(([key, name]) => {
    const ms = metrics[key] ?? null;
    return [`- ${name}`, ms === null ? "" : formatDurationMs(ms)];
  });
}

function span(from: string | null, to: string | null): number | undefined {
  return from === null || to === null ? undefined : Date.parse(to) - Date.parse(from);
}

/** A log is what custom nodes print; it must not steer the terminal. */
function withoutEscapes(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, "");
}
