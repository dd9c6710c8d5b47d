import type { JsonObject } from "../../kernel/json.ts";
import { creditSeconds } from "../../queue/virtual-start.ts";
import type {
  JobListQuery,
  JobLog,
  JobRecord,
  JobStore,
  JobSummary,
  NewJob,
  Seat,
  Submitted,
} from "../jobs.ts";
import type { Preview } from "../../protocol/worker-link.ts";
import { throwBudgetRefusal } from "./budgets.ts";
import type { Runner } from "./database.ts";

/** Jobs as their owners see them. */
export class PostgresJobs implements JobStore {
  private readonly database: Runner;

  constructor(database: Runner) {
    this.database = database;
  }

  async submit(job: NewJob, seat?: Seat): Promise<Submitted | "reused"> {
    const { placement } = job;
    const values = [
      job.id,
      job.tenantId,
      job.deploymentId,
      job.priority,
      placement.delaySeconds,
      job.deadlineMs,
      job.retentionMs,
      JSON.stringify(job.metadata),
      JSON.stringify(job.workflow),
      JSON.stringify(job.inputs),
      job.sealedExtraData,
      job.idempotencyKey,
      [...new Set(job.inputs.map((input) => input.assetId))],
      placement.tagSeconds === null ? null : await this.startTag(job, placement.tagSeconds),
      placement.fingerprint,
      placement.modelSet,
      placement.sizeClass,
      placement.vramBytes,
      placement.vramClass,
      placement.estimateMs,
      placement.coldDelaySeconds,
      placement.overdueAfterSeconds,
      placement.dueInMs,
      seat?.workerId ?? null,
      seat?.attemptId ?? null,
      seat?.leaseMs ?? null,
      seat?.fromV ?? null,
    ];
    const [submitted] = await this.database
      .run<Submitted>("jobs-submit", values)
      .catch(throwBudgetRefusal);
    return submitted ?? "reused";
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

  /**
   * Charges the tenant in a statement of its own: its row must not stay locked while the commit of
   * the job waits for the disk. A crash in between costs the tenant one job's worth of its share.
   */
  private async startTag(job: NewJob, tagSeconds: number): Promise<number> {
    const [row] = await this.database.run<{ tag: number }>("clocks-charge", [
      job.deploymentId,
      job.tenantId,
      tagSeconds,
      creditSeconds,
    ]);
    if (row === undefined) throw new Error("a tenant's clock did not answer");
    return row.tag;
  }
}
