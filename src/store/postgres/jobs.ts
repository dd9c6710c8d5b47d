import type { JsonObject } from "../../kernel/json.ts";
import { classDelaySeconds } from "../../queue/queue-key.ts";
import type { JobListQuery, JobLog, JobRecord, JobStore, JobSummary, NewJob } from "../jobs.ts";
import type { Preview } from "../../protocol/worker-link.ts";
import type { Runner } from "./database.ts";

/** Jobs as their owners see them. */
export class PostgresJobs implements JobStore {
  private readonly database: Runner;

  constructor(database: Runner) {
    this.database = database;
  }

  async submit(job: NewJob): Promise<"recorded" | "reused"> {
    const rows = await this.database.run("jobs-submit", [
      job.id,
      job.tenantId,
      job.deploymentId,
      job.priority,
      classDelaySeconds[job.priority],
      job.deadlineMs,
      job.retentionMs,
      JSON.stringify(job.metadata),
      JSON.stringify(job.workflow),
      JSON.stringify(job.inputs),
      job.sealedExtraData,
      job.idempotencyKey,
      [...new Set(job.inputs.map((input) => input.assetId))],
    ]);
    return rows.length === 0 ? "reused" : "recorded";
  }

  async get(tenantId: number, jobId: string): Promise<JobRecord | undefined> {
    const [row] = await this.database.run<JobRecord>("jobs-get", [tenantId, jobId]);
    return row;
  }

  async workflow(tenantId: number, jobId: string): Promise<JsonObject | undefined> {
    const [row] = await this.database.run<{ workflow: JsonObject }>("jobs-workflow", [
      tenantId,
      jobId,
    ]);
    return row?.workflow;
  }

  async log(tenantId: number, jobId: string): Promise<JobLog | null | undefined> {
    const [row] = await this.database.run<JobLog | { text: null }>("jobs-log", [tenantId, jobId]);
    if (row === undefined) return undefined;
    return row.text === null ? null : row;
  }

  list(query: JobListQuery): Promise<readonly JobSummary[]> {
    return this.database.run<JobSummary>("jobs-list", [
      query.tenantId,
      query.deploymentId ?? null,
      query.states ?? null,
      query.metadata === undefined ? null : JSON.stringify(query.metadata),
      query.beforeId ?? null,
      query.limit,
    ]);
  }

  async requestCancel(tenantId: number, jobId: string): Promise<boolean> {
    return (await this.database.run("jobs-cancel", [tenantId, jobId])).length > 0;
  }

  async preview(tenantId: number, jobId: string): Promise<Preview | undefined> {
    const [row] = await this.database.run<{ preview: Preview | null }>("jobs-preview", [
      tenantId,
      jobId,
    ]);
    return row?.preview ?? undefined;
  }

  async headWorkflows(deploymentId: number, limit: number): Promise<readonly JsonObject[]> {
    const rows = await this.database.run<{ workflow: JsonObject }>("jobs-head-workflows", [
      deploymentId,
      limit,
    ]);
    return rows.map((row) => row.workflow);
  }

  async queuedCount(deploymentId: number, limit: number): Promise<number> {
    const [row] = await this.database.run<{ count: number }>("jobs-queued-count", [
      deploymentId,
      limit,
    ]);
    return row?.count ?? 0;
  }
}
