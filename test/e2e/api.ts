import type { JobBody, OutputBody } from "../../src/protocol/comfy-v2.ts";
import { validatingFetch } from "../contract/validating-fetch.ts";

/** A plain client of the API, for what the SDKs have no words for. */
export class Api {
  readonly baseUrl: string;

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl;
  }

  async submit(workflow: object, more: object = {}): Promise<JobBody> {
    const response = await validatingFetch(`${this.baseUrl}/api/v2/jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ workflow, ...more }),
    });
    if (response.status !== 201) throw new Error(await response.text());
    return (await response.json()) as JobBody;
  }

  get(jobId: string): Promise<JobBody> {
    return this.job(jobId, "GET", "");
  }

  cancel(jobId: string): Promise<JobBody> {
    return this.job(jobId, "POST", "/cancel");
  }

  /** Events as they come, until the stream ends. */
  async *events(jobId: string): AsyncGenerator<{ event: string; data: Record<string, unknown> }> {
    const response = await fetch(`${this.baseUrl}/api/v2/jobs/${jobId}/events`);
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const frames = text.split("\n\n");
      text = frames.pop() ?? "";
      for (const frame of frames) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/su.exec(frame) ?? [];
        if (event === undefined || data === undefined) continue;
        yield { event, data: JSON.parse(data) as Record<string, unknown> };
      }
    }
  }

  /** The job once it has ended; reconnects for as long as the test's own time limit allows. */
  async end(jobId: string): Promise<JobBody> {
    for (;;) {
      for await (const _ of this.events(jobId)) void _;
      const job = await this.get(jobId);
      if (job.completed_at !== null) return job;
    }
  }

  async run(workflow: object): Promise<JobBody> {
    return this.end((await this.submit(workflow)).id);
  }

  async bytes(output: OutputBody): Promise<Buffer> {
    const response = await fetch(`${this.baseUrl}/api/v2/assets/${output.id}/content`);
    if (!response.ok) throw new Error(await response.text());
    return Buffer.from(await response.arrayBuffer());
  }

  async upload(bytes: Buffer<ArrayBuffer>, filePath: string): Promise<{ readonly id: string }> {
    const form = new FormData();
    form.append("file", new Blob([bytes]), "upload.png");
    form.append("content_type", "image/png");
    form.append("file_path", filePath);
    const url = `${this.baseUrl}/api/v2/assets`;
    const response = await validatingFetch(url, { method: "POST", body: form });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as { id: string };
  }

  private async job(jobId: string, method: string, path: string): Promise<JobBody> {
    const url = `${this.baseUrl}/api/v2/jobs/${jobId}${path}`;
    const response = await validatingFetch(url, { method });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as JobBody;
  }
}
