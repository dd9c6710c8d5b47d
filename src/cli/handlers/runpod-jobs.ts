import { setTimeout as delay } from "node:timers/promises";

import { HearthError } from "../../kernel/errors.ts";
import { isJsonObject, type JsonObject } from "../../kernel/json.ts";
import type { Logger } from "../../observability/logger.ts";

/** A job of RunPod's queue, as a worker takes it. */
export interface RunpodJob {
  readonly id: string;
  readonly input: JsonObject;
}

/** What a worker says of a job in the end. */
export type RunpodResult = { readonly output: unknown } | { readonly error: string };

export interface RunpodJobsOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

const takeTimeoutMs = 100_000;
const callTimeoutMs = 20_000;
/** RunPod asks for this after too many requests. */
const throttledMs = 5_000;
/** Between takes that were answered at once with nothing: FlashBoot does that. */
const idleMs = 250;
const maxResultTries = 5;

/**
 * RunPod's side of a worker, over the addresses that RunPod puts into its environment. The protocol
 * is undocumented; it is read off RunPod's own Python worker, 1.12.
 */
export class RunpodJobs {
  private readonly options: RunpodJobsOptions;
  private readonly takeUrl: string;
  private readonly resultUrl: string;
  private readonly pingUrl: string | undefined;
  private readonly pingMs: number;

  /** Errors: `config_invalid` outside of a RunPod worker. */
  constructor(options: RunpodJobsOptions) {
    this.options = options;
    const { environment } = options;
    const worker = environment["RUNPOD_POD_ID"] ?? "";
    this.takeUrl = required(environment, "RUNPOD_WEBHOOK_GET_JOB").replaceAll("$ID", worker);
    this.resultUrl = required(environment, "RUNPOD_WEBHOOK_POST_OUTPUT").replaceAll(
      "$RUNPOD_POD_ID",
      worker,
    );
    this.pingUrl = environment["RUNPOD_WEBHOOK_PING"]?.replaceAll("$RUNPOD_POD_ID", worker);
    this.pingMs = Number(environment["RUNPOD_PING_INTERVAL"] ?? "") || 10_000;
  }

  /** The next job; undefined after a wait without one. Throws when the signal aborts. */
  async take(signal: AbortSignal): Promise<RunpodJob | undefined> {
    const url = withQuery(this.takeUrl, "job_in_progress=0");
    const patience = AbortSignal.any([signal, AbortSignal.timeout(takeTimeoutMs)]);
    const reply = await this.call(url, { method: "GET", signal: patience });
    signal.throwIfAborted();
    if (reply?.status === 200) return readJob(await reply.json());
    await reply?.arrayBuffer();
    await delay(reply?.status === 429 ? throttledMs : idleMs, undefined, { signal });
    return undefined;
  }

  /** Says that a job is under way until the returned function is called. */
  keepAlive(jobId: string): () => void {
    if (this.pingUrl === undefined) return () => undefined;
    const url = withQuery(this.pingUrl, `job_id=${encodeURIComponent(jobId)}`);
    const timer = setInterval(() => void this.ping(url), this.pingMs);
    return () => clearInterval(timer);
  }

  /** Aborts when RunPod wants the job stopped; ends with `until`. */
  stopOf(jobId: string, until: AbortSignal): AbortSignal {
    const stop = new AbortController();
    void this.watchForStop(jobId, until, stop);
    return stop.signal;
  }

  /** Delivers the end of a job. Tried again a few times: RunPod has no other way to learn of it. */
  async finish(job: RunpodJob, result: RunpodResult): Promise<void> {
    const url = withQuery(this.resultUrl.replaceAll("$ID", job.id), "isStream=false");
    for (let tries = 1; tries <= maxResultTries; tries++) {
      const reply = await this.call(url, {
        method: "POST",
        // RunPod's own worker sends JSON under this name.
        headers: {
          "Content-Type": "application/x-www-form-urlencoded",
          "X-Request-ID": job.id,
        },
        body: JSON.stringify(result),
        signal: AbortSignal.timeout(callTimeoutMs),
      });
      await reply?.arrayBuffer();
      if (reply?.ok === true) return;
      this.options.logger.warn({ jobId: job.id, status: reply?.status }, "a result was not taken");
      await delay(1_000 * tries);
    }
  }

  private async ping(url: string): Promise<void> {
    const signal = AbortSignal.timeout(callTimeoutMs);
    await (await this.call(url, { method: "GET", signal }))?.arrayBuffer();
  }

  private async watchForStop(
    jobId: string,
    until: AbortSignal,
    stop: AbortController,
  ): Promise<void> {
    const url = this.takeUrl.replace("/job-take/", "/job-stop/");
    while (!until.aborted) {
      const patience = AbortSignal.any([until, AbortSignal.timeout(takeTimeoutMs)]);
      const reply = await this.call(url, { method: "GET", signal: patience });
      const body: unknown = reply?.ok === true ? await reply.json().catch(() => null) : null;
      const stopped = isJsonObject(body) ? body["jobsToStop"] : undefined;
      if (Array.isArray(stopped) && stopped.includes(jobId)) return stop.abort();
      await delay(idleMs, undefined, { signal: until }).catch(() => undefined);
    }
  }

  /** Undefined where nobody answers. */
  private async call(url: string, request: RequestInit): Promise<Response | undefined> {
    const key = this.options.environment["RUNPOD_AI_API_KEY"] ?? "";
    const headers = { ...(request.headers as Record<string, string>), Authorization: key };
    return fetch(url, { ...request, headers }).catch(() => undefined);
  }
}

function readJob(body: unknown): RunpodJob | undefined {
  const job: unknown = Array.isArray(body) ? body[0] : body;
  if (!isJsonObject(job) || typeof job["id"] !== "string") return undefined;
  const input = job["input"];
  return { id: job["id"], input: isJsonObject(input) ? input : {} };
}

function withQuery(url: string, query: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}

function required(environment: RunpodJobsOptions["environment"], name: string): string {
  const value = environment[name];
  if (value !== undefined && value !== "") return value;
  const message = `${name} is not set: this is no worker of RunPod.`;
  throw new HearthError("config_invalid", { message, details: { setting: name } });
}
