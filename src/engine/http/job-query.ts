import { err, ok, type Result } from "../../kernel/result.ts";
import { jobStatuses, type Job, type JobStatus } from "../jobs.ts";

/** A query of `/api/jobs` once it is understood. */
export interface JobQuery {
  readonly statuses: ReadonlySet<JobStatus>;
  readonly workflowId: string | undefined;
  readonly sortBy: "created_at" | "execution_duration";
  readonly descending: boolean;
  readonly limit: number | undefined;
  readonly offset: number;
}

export type RawJobQuery = Readonly<Record<string, string | undefined>>;

/** Reads the query; the error is the sentence that ComfyUI answers with. */
export function parseJobQuery(raw: RawJobQuery): Result<JobQuery, string> {
  const wanted = (raw["status"] ?? "").split(",").flatMap((text) => text.trim() || []);
  const unknown = wanted.filter((status) => !isJobStatus(status));
  if (unknown.length > 0) {
    const valid = jobStatuses.join(", ");
    return err(`Invalid status value(s): ${unknown.join(", ")}. Valid values: ${valid}`);
  }
  const sortBy = raw["sort_by"] ?? "created_at";
  if (sortBy !== "created_at" && sortBy !== "execution_duration") {
    return err("sort_by must be 'created_at' or 'execution_duration'");
  }
  const order = raw["sort_order"] ?? "desc";
  if (order !== "asc" && order !== "desc") return err("sort_order must be 'asc' or 'desc'");
  const limit = raw["limit"] === undefined ? undefined : parseWhole(raw["limit"]);
  if (Number.isNaN(limit)) return err("limit must be an integer");
  if (limit !== undefined && limit < 1) return err("limit must be a positive integer");
  const offset = parseWhole(raw["offset"] ?? "0");
  if (Number.isNaN(offset)) return err("offset must be an integer");
  return ok({
    statuses: new Set(wanted.length === 0 ? jobStatuses : wanted.filter(isJobStatus)),
    workflowId: raw["workflow_id"],
    sortBy,
    descending: order === "desc",
    limit,
    offset: Math.max(0, offset),
  });
}

function isJobStatus(text: string): text is JobStatus {
  return jobStatuses.some((status) => status === text);
}

function parseWhole(text: string): number {
  return /^\s*-?\d{1,9}\s*$/u.test(text) ? Number(text) : Number.NaN;
}

/** The jobs that the query asks for, in its order, with the place of this page among all. */
export function selectJobs(jobs: readonly Job[], query: JobQuery): object {
  const { limit, offset } = query;
  const matching = jobs.filter(
    ({ status, workflowId }) =>
      query.statuses.has(status) &&
      (query.workflowId === undefined || workflowId === query.workflowId),
  );
  const rank = (job: Job): number =>
    query.sortBy === "created_at" ? job.createTimeMs : job.durationMs;
  const direction = query.descending ? -1 : 1;
  const sorted = matching.sort((a, b) => direction * (rank(a) - rank(b)));
  const end = limit === undefined ? sorted.length : offset + limit;
  return {
    jobs: sorted.slice(offset, end).map(({ json }) => json),
    pagination: {
      offset,
      limit: limit ?? null,
      total: sorted.length,
      has_more: end < sorted.length,
    },
  };
}
