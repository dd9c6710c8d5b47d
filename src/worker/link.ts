import { Agent as HttpAgent } from "undici";
import type { z } from "zod";

import { HearthError, errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import {
  claimResponseSchema,
  enrollResponseSchema,
  heartbeatResponseSchema,
  modelsResponseSchema,
  reportResponseSchema,
  uploadsResponseSchema,
  workerLinkPaths,
  type Assignment,
  type AttemptLog,
  type AttemptVerb,
  type ClaimRequest,
  type CompleteRequest,
  type EnrollRequest,
  type EnrollResponse,
  type FailRequest,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type ModelsResponse,
  type ReadyRequest,
  type ReleaseRequest,
  type ReportRequest,
  type UploadsRequest,
  type UploadsResponse,
  type Verdict,
} from "../protocol/worker-link.ts";
import type { AgentTimings } from "./agent-options.ts";
import { Unreachable, jsonBody, sendForJson } from "./http.ts";
import { Overloaded, Refused, refusalOf } from "./link-errors.ts";
import { retrying } from "./retry.ts";

/** Names one attempt to the gateway. */
export interface AttemptRef {
  readonly jobId: string;
  readonly epoch: number;
}

export interface LinkOptions {
  readonly gatewayUrl: string;
  readonly identity: EnrollRequest;
  /** The token of a worker by whose word this one enrols. */
  readonly besideWorker?: Promise<string>;
  readonly timings: AgentTimings;
  readonly logger: Logger;
  /** Enrolment serves every caller, so it ends with the agent and not with one of them. */
  readonly signal: AbortSignal;
}

interface CallOptions {
  readonly signal: AbortSignal;
  readonly maxTries?: number;
  readonly timeoutMs?: number;
}

/**
 * The agent's side of `protocol/worker-link.ts`. Every call tries again while the gateway cannot
 * be reached, is overloaded or failing; a session that the gateway no longer knows is enrolled
 * anew. Errors: `stale_attempt` for a superseded attempt, `Refused`, other codes as they come.
 */
export class Link {
  private readonly options: LinkOptions;
  private readonly http = new HttpAgent({ connections: 16, keepAliveTimeout: 30_000 });
  private session: EnrollResponse | undefined;
  private enrolling: Promise<EnrollResponse> | undefined;
  private contactMs = performance.now();

  constructor(options: LinkOptions) {
    this.options = options;
  }

  /** Milliseconds since the gateway last answered anything sensible. */
  get silentMs(): number {
    return performance.now() - this.contactMs;
  }

  /** Who we are now; changes when the gateway has forgotten us. */
  get workerId(): string | undefined {
    return this.session?.workerId;
  }

  /** How long this worker's instance took to get here, if it is one of ours. */
  get launch(): EnrollResponse["launch"] {
    return this.session?.launch ?? null;
  }

  get heartbeatMs(): number | undefined {
    return this.session?.heartbeatMs;
  }

  /** Errors: `Refused`. */
  async enroll(): Promise<EnrollResponse> {
    this.enrolling ??= this.enrollOnce().finally(() => {
      this.enrolling = undefined;
    });
    return this.enrolling;
  }

  /** What this worker is to have. One try; it is asked for again. */
  async models(signal: AbortSignal): Promise<ModelsResponse> {
    const body = await this.call(workerLinkPaths.models, {}, { signal, maxTries: 1 });
    return this.read(modelsResponseSchema, body);
  }

  async ready(request: ReadyRequest, signal: AbortSignal): Promise<void> {
    await this.call(workerLinkPaths.ready, request, { signal });
  }

  /** Null: no job came within `waitMs`, or the session is a new one that has to be readied first. */
  async claim(request: ClaimRequest, signal: AbortSignal): Promise<Assignment | null> {
    const session = this.session ?? (await this.enroll());
    const timeoutMs = request.waitMs + this.options.timings.linkTimeoutMs;
    const options = { signal, timeoutMs };
    try {
      const body = await this.post(workerLinkPaths.claim, request, options, session.workerToken);
      return this.read(claimResponseSchema, body).assignment;
    } catch (thrown) {
      if (!isUnauthorized(thrown)) throw thrown;
      await this.renewed(session);
      return null;
    }
  }

  /** One try only: the next beat is the retry. */
  async heartbeat(request: HeartbeatRequest, signal: AbortSignal): Promise<HeartbeatResponse> {
    const timeoutMs = Math.max(1_000, this.heartbeatMs ?? 0);
    const options = { signal, maxTries: 1, timeoutMs };
    const body = await this.call(workerLinkPaths.heartbeat, request, options);
    return this.read(heartbeatResponseSchema, body);
  }

  async goodbye(signal: AbortSignal): Promise<void> {
    // Not by way of a new session, should this one be forgotten already.
    const options = { signal, maxTries: 3 };
    await this.post(workerLinkPaths.goodbye, {}, options, this.session?.workerToken);
  }

  async report(
    attempt: AttemptRef,
    request: ReportRequest,
    options: CallOptions,
  ): Promise<Verdict> {
    const body = await this.attempt(attempt, "report", request, options);
    return this.read(reportResponseSchema, body).verdict;
  }

  async uploads(
    attempt: AttemptRef,
    request: UploadsRequest,
    signal: AbortSignal,
  ): Promise<UploadsResponse["uploads"]> {
    const body = await this.attempt(attempt, "uploads", request, { signal });
    return this.read(uploadsResponseSchema, body).uploads;
  }

  async complete(
    attempt: AttemptRef,
    request: CompleteRequest,
    signal: AbortSignal,
  ): Promise<void> {
    await this.attempt(attempt, "complete", request, { signal });
  }

  async fail(attempt: AttemptRef, request: FailRequest, signal: AbortSignal): Promise<void> {
    await this.attempt(attempt, "fail", request, { signal });
  }

  async release(attempt: AttemptRef, request: ReleaseRequest, signal: AbortSignal): Promise<void> {
    await this.attempt(attempt, "release", request, { signal });
  }

  async canceled(attempt: AttemptRef, log: AttemptLog | null, signal: AbortSignal): Promise<void> {
    await this.attempt(attempt, "canceled", { log }, { signal });
  }

  async close(): Promise<void> {
    await this.http.destroy();
  }

  private attempt(
    { jobId, epoch }: AttemptRef,
    verb: AttemptVerb,
    body: unknown,
    options: CallOptions,
  ): Promise<unknown> {
    return this.call(workerLinkPaths.attempt(jobId, epoch, verb), body, options);
  }

  private async call(path: string, body: unknown, options: CallOptions): Promise<unknown> {
    const session = this.session ?? (await this.enroll());
    try {
      return await this.post(path, body, options, session.workerToken);
    } catch (thrown) {
      if (!isUnauthorized(thrown)) throw thrown;
      const { workerToken } = await this.renewed(session);
      return this.post(path, body, options, workerToken);
    }
  }

  /** The session after `stale`; somebody else may have noticed before us and enrolled already. */
  private async renewed(stale: EnrollResponse): Promise<EnrollResponse> {
    const { session } = this;
    return session !== undefined && session !== stale ? session : this.enroll();
  }

  private async enrollOnce(): Promise<EnrollResponse> {
    const { identity, signal } = this.options;
    try {
      const besideWorker = await this.options.besideWorker;
      const request = { ...identity, ...(besideWorker !== undefined && { besideWorker }) };
      const body = await this.post(workerLinkPaths.enroll, request, { signal });
      this.session = this.read(enrollResponseSchema, body);
      return this.session;
    } catch (thrown) {
      if (thrown instanceof HearthError) throw new Refused(thrown.message, { cause: thrown });
      throw thrown;
    }
  }

  private post(
    path: string,
    body: unknown,
    options: CallOptions,
    token?: string,
  ): Promise<unknown> {
    const { timings, logger, gatewayUrl } = this.options;
    const { headers, body: text } = jsonBody(body);
    const call = {
      method: "POST",
      url: gatewayUrl + path,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      body: text,
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? timings.linkTimeoutMs,
    } as const;
    const once = async (): Promise<unknown> => {
      const reply = await sendForJson(this.http, call);
      if (reply.status < 500) this.contactMs = performance.now();
      if (reply.status >= 200 && reply.status < 300) return reply.body;
      throw refusalOf(reply.status, reply.body);
    };
    return retrying(once, {
      signal: options.signal,
      minMs: timings.retryMinMs,
      maxMs: timings.retryMaxMs,
      ...(options.maxTries !== undefined && { maxTries: options.maxTries }),
      isRetryable: (thrown) => thrown instanceof Unreachable || thrown instanceof Overloaded,
      onRetry: (thrown, waitMs) =>
        logger.debug({ path, waitMs, cause: errorMessage(thrown) }, "the gateway does not answer"),
    });
  }

  private read<T>(schema: z.ZodType<T>, body: unknown): T {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const message = "The gateway's reply is not one that this agent understands.";
    throw new HearthError("upstream_error", { message, cause: parsed.error });
  }
}

function isUnauthorized(thrown: unknown): boolean {
  return thrown instanceof HearthError && thrown.code === "unauthorized";
}
