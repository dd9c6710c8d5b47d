import { setTimeout as delay } from "node:timers/promises";

import { isTerminal, type JobState } from "../../queue/job.ts";
import { isPassing, type ApiClient } from "./client.ts";
import { EventParser, type StreamEvent } from "./event-stream.ts";
import { jobSchema, progressSchema, statusEventSchema, type Job, type Progress } from "./shapes.ts";

/** What is known of a job while it runs. */
export interface JobView {
  readonly status: JobState;
  readonly queuePosition: number | null;
  readonly progress: Progress | null;
}

export interface WatchOptions {
  readonly onChange?: (view: JobView) => void;
  readonly signal?: AbortSignal | undefined;
  /** How long the server may be away. Default 5 min. */
  readonly patienceMs?: number;
}

/** Streams send a comment at least every 15 s; one that is silent for longer is dead. */
const silenceMs = 45_000;
const firstPauseMs = 250;
const longestPauseMs = 5_000;
const defaultPatienceMs = 300_000;

/**
 * Follows a job to its end over its event stream, by polling where there is none, and across
 * restarts of the server. Errors: `not_found`, `unauthorized`, and `service_unavailable` when the
 * server stays away.
 */
export async function watchJob(
  client: ApiClient,
  jobId: string,
  options: WatchOptions = {},
): Promise<Job> {
  const { signal, patienceMs = defaultPatienceMs } = options;
  const view = new LiveView(options.onChange);
  let pauseMs = firstPauseMs;
  let awaySinceMs: number | undefined;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const job = await fetchJob(client, jobId, signal);
      view.update({
        status: job.status,
        queuePosition: job.queue_position,
        progress: job.progress,
      });
      if (isTerminal(job.status)) return job;
      awaySinceMs = undefined;
      const end = await followEvents(client, jobId, view, signal);
      if (end === "job_ended") continue;
      if (end === "dropped") pauseMs = firstPauseMs;
    } catch (thrown) {
      if (!isPassing(thrown)) throw thrown;
      awaySinceMs ??= Date.now();
      if (Date.now() - awaySinceMs >= patienceMs) throw thrown;
    }
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

export function fetchJob(client: ApiClient, jobId: string, signal?: AbortSignal): Promise<Job> {
  const path = `/api/v2/jobs/${encodeURIComponent(jobId)}`;
  return client.json(jobSchema, "GET", path, { signal });
}

class LiveView {
  private view: JobView = { status: "queued", queuePosition: null, progress: null };
  private readonly onChange: ((view: JobView) => void) | undefined;

  constructor(onChange: ((view: JobView) => void) | undefined) {
    this.onChange = onChange;
  }

  update(change: Partial<JobView>): void {
    this.view = { ...this.view, ...change };
    this.onChange?.(this.view);
  }

  /** Whether the job has ended. */
  apply(event: StreamEvent): boolean {
    if (event.event === "status") {
      const status = statusEventSchema.parse(JSON.parse(event.data));
      this.update({ status: status.status, queuePosition: status.queue_position ?? null });
      return isTerminal(status.status);
    }
    if (event.event === "progress") {
      this.update({ progress: progressSchema.parse(JSON.parse(event.data)) });
    }
    return false;
  }
}

/** Whatever ends the stream, the next poll says how things stand. `none`: it brought nothing. */
async function followEvents(
  client: ApiClient,
  jobId: string,
  view: LiveView,
  signal: AbortSignal | undefined,
): Promise<"job_ended" | "dropped" | "none"> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), silenceMs);
  const path = `/api/v2/jobs/${encodeURIComponent(jobId)}/events`;
  const headers = { Accept: "text/event-stream" };
  const either = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
  let brought: "dropped" | "none" = "none";
  try {
    const response = await client.send("GET", path, { headers, signal: either, timeoutMs: null });
    const parser = new EventParser();
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      const text = decoder.decode(chunk as Uint8Array, { stream: true });
      for (const event of parser.push(text)) {
        brought = "dropped";
        if (view.apply(event)) return "job_ended";
      }
    }
    return brought;
  } catch (thrown) {
    if (signal?.aborted === true) throw thrown;
    return brought;
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}
