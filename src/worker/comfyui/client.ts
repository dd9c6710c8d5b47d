import { Agent as HttpAgent, type Dispatcher, type FormData } from "undici";

import { isJsonObject } from "../../kernel/json.ts";
import { Unreachable, jsonBody, send, sendForJson, type HttpReply } from "../http.ts";
import { parseHistory, parseQueue, type HistoryEntry, type QueuePlace } from "./history.ts";

/** A file in one of ComfyUI's folders. */
export interface ComfyFile {
  readonly filename: string;
  readonly subfolder: string;
  readonly folder: "input" | "output" | "temp";
}

const callTimeoutMs = 10_000;
/** The server validates the whole graph before it answers. */
const submitTimeoutMs = 120_000;
const transferTimeoutMs = 120_000;
/** The answer walks the model folders, which may be on a slow network disk. */
const objectInfoTimeoutMs = 120_000;
/** ComfyUI's HTTP interface, as far as a worker needs it. Every call throws `Unreachable`. */
export class ComfyClient {
  readonly baseUrl: string;
  private readonly http: HttpAgent;

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl.replace(/\/+$/u, "");
    this.http = new HttpAgent({ connections: 8, keepAliveTimeout: 30_000 });
  }

  async systemStats(signal: AbortSignal, timeoutMs = callTimeoutMs): Promise<unknown> {
    const stats = await this.get("/system_stats", signal, timeoutMs);
    if (isJsonObject(stats)) return stats;
    throw new Unreachable(this.baseUrl, new Error("what answers there is no ComfyUI"));
  }

  async objectInfo(signal: AbortSignal): Promise<unknown> {
    return this.get("/object_info", signal, objectInfoTimeoutMs);
  }

  /** The reply as it is: 200 and 400 both carry what the caller needs. */
  submit(request: unknown, signal: AbortSignal): Promise<HttpReply> {
    return this.post("/prompt", request, signal, submitTimeoutMs);
  }

  /** Undefined while the prompt has not ended, and for one that nobody knows. */
  async history(promptId: string, signal: AbortSignal): Promise<HistoryEntry | undefined> {
    return parseHistory(await this.get(`/history/${promptId}`, signal), promptId);
  }

  async queuePlace(promptId: string, signal: AbortSignal): Promise<QueuePlace> {
    return parseQueue(await this.get("/queue", signal), promptId);
  }

  /** Asks once for the end of a prompt; whether it came must be seen from queue and history. */
  async cancel(promptId: string, signal: AbortSignal): Promise<void> {
    const reply = await this.post(`/api/jobs/${promptId}/cancel`, {}, signal);
    if (reply.status === 200) return;
    // Servers of before June 2026.
    await this.post("/queue", { delete: [promptId] }, signal);
    await this.post("/interrupt", { prompt_id: promptId }, signal);
  }

  async interrupt(promptId: string, signal: AbortSignal): Promise<void> {
    await this.post("/interrupt", { prompt_id: promptId }, signal);
  }

  async free(what: { models: boolean; cache: boolean }, signal: AbortSignal): Promise<void> {
    const request = { unload_models: what.models, free_memory: what.cache };
    await this.post("/free", request, signal);
  }

  /** The server's own log, oldest first; empty where it keeps none. */
  async logEntries(signal: AbortSignal): Promise<readonly { t: string; m: string }[]> {
    const url = `${this.baseUrl}/internal/logs/raw`;
    const reply = await this.json({ method: "GET", url, signal, timeoutMs: callTimeoutMs });
    const entries = isJsonObject(reply.body) ? reply.body["entries"] : undefined;
    if (reply.status !== 200 || !Array.isArray(entries)) return [];
    return (entries as readonly unknown[]).filter(isJsonObject).map(({ t, m }) => ({
      t: typeof t === "string" ? t : "",
      m: typeof m === "string" ? m : "",
    }));
  }

  /** The size of a file, undefined when there is none of this name. */
  async sizeOf(file: ComfyFile, signal: AbortSignal): Promise<number | undefined> {
    const call = { method: "HEAD", url: this.viewUrl(file), signal, timeoutMs: callTimeoutMs };
    const reply = await send(this.http, { ...call, method: "HEAD" });
    await reply.body.dump();
    const length = Number(reply.headers["content-length"]);
    return reply.statusCode === 200 && Number.isInteger(length) ? length : undefined;
  }

  /** The bytes of a file, to be consumed or destroyed; undefined when there is none of this name. */
  async view(
    file: ComfyFile,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData["body"] | undefined> {
    const url = this.viewUrl(file);
    const call = { method: "GET", url, signal, timeoutMs: transferTimeoutMs } as const;
    const { statusCode, body } = await send(this.http, call);
    if (statusCode === 200) return body;
    await body.dump();
    if (statusCode >= 500) throw new Unreachable(url, new Error(`HTTP ${statusCode}`));
    return undefined;
  }

  /** The value that names the file in a workflow, or undefined when the server refuses it. */
  async upload(form: FormData, signal: AbortSignal): Promise<string | undefined> {
    const url = `${this.baseUrl}/upload/image`;
    const call = { method: "POST", url, body: form, signal, timeoutMs: transferTimeoutMs } as const;
    const { status, body } = await this.json(call);
    if (status >= 500) throw new Unreachable(url, new Error(`HTTP ${status}`));
    if (status !== 200 || !isJsonObject(body) || typeof body["name"] !== "string") return undefined;
    const { name, subfolder } = body;
    return typeof subfolder === "string" && subfolder !== "" ? `${subfolder}/${name}` : name;
  }

  async close(): Promise<void> {
    await this.http.destroy();
  }

  private async get(
    path: string,
    signal: AbortSignal,
    timeoutMs = callTimeoutMs,
  ): Promise<unknown> {
    const url = this.baseUrl + path;
    const reply = await this.json({ method: "GET", url, signal, timeoutMs });
    if (reply.status === 200) return reply.body;
    throw new Unreachable(url, new Error(`HTTP ${reply.status}`));
  }

  private post(
    path: string,
    request: unknown,
    signal: AbortSignal,
    timeoutMs = callTimeoutMs,
  ): Promise<HttpReply> {
    const url = this.baseUrl + path;
    return this.json({ method: "POST", url, ...jsonBody(request), signal, timeoutMs });
  }

  private json(call: Parameters<typeof sendForJson>[1]): Promise<HttpReply> {
    return sendForJson(this.http, call);
  }

  private viewUrl({ filename, subfolder, folder }: ComfyFile): string {
    const query = new URLSearchParams({ filename, subfolder, type: folder });
    return `${this.baseUrl}/view?${query.toString()}`;
  }
}
