import type { Preview } from "../../protocol/worker-link.ts";
import { isTerminal } from "../../queue/job.ts";
import type { JobRecord } from "../../store/jobs.ts";
import { outputBody, progressBody, type UrlSigner } from "./translate.ts";

export interface EventFrame {
  readonly event: "status" | "progress" | "preview" | "output";
  readonly data: object;
}

/** Progress is told about twice a second; what comes between is left out. */
const progressEveryMs = 400;

/** What a stream has told already, and so what is news in the next snapshot of its job. */
export class JobNews {
  private status = "";
  private progress = "null";
  private progressToldMs = Number.NEGATIVE_INFINITY;
  private preview: string | undefined;
  private readonly outputs = new Set<string>();

  /** Outputs come before the status that ends the stream; each is told once. */
  async since(
    job: JobRecord,
    preview: Preview | undefined,
    signer: UrlSigner,
  ): Promise<{ readonly frames: readonly EventFrame[]; readonly isLast: boolean }> {
    const isLast = isTerminal(job.state);
    const status = { status: job.state, queue_position: job.queuePosition };
    const frames: EventFrame[] = [];
    if (!isLast) this.addStatus(status, frames);
    this.addProgress(job, signer.nowMs, frames);
    if (preview !== undefined && preview.dataBase64 !== this.preview) {
      this.preview = preview.dataBase64;
      const { nodeId, contentType, dataBase64 } = preview;
      const data = { node_id: nodeId, content_type: contentType, data_base64: dataBase64 };
      frames.push({ event: "preview", data });
    }
    for (const output of job.outputs) {
      if (this.outputs.has(output.assetId)) continue;
      this.outputs.add(output.assetId);
      frames.push({ event: "output", data: await outputBody(job.id, output, signer) });
    }
    if (isLast) this.addStatus(status, frames);
    return { frames, isLast };
  }

  private addStatus(status: object, frames: EventFrame[]): void {
    const text = JSON.stringify(status);
    if (text === this.status) return;
    this.status = text;
    frames.push({ event: "status", data: status });
  }

  private addProgress(job: JobRecord, nowMs: number, frames: EventFrame[]): void {
    if (job.progress === null || nowMs - this.progressToldMs < progressEveryMs) return;
    const data = progressBody(job.progress);
    const text = JSON.stringify(data);
    if (text === this.progress) return;
    this.progress = text;
    this.progressToldMs = nowMs;
    frames.push({ event: "progress", data });
  }
}
