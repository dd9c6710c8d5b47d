import type { z } from "zod";

import { isErrorCode } from "../../kernel/error-table.ts";
import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { errorEnvelopeSchema } from "./shapes.ts";

export interface ApiClientOptions {
  /** Where the gateway is, with the deployment's mount if one was named; no slash at the end. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
}

export interface ApiRequest {
  readonly body?: FormData | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Null: no limit, for streams. Default 30 s. */
  readonly timeoutMs?: number | null;
}

const defaultTimeoutMs = 30_000;
const passingCodes = new Set<string>([
  "service_unavailable",
  "database_unavailable",
  "upstream_error",
  "rate_limited",
  "too_many_streams",
]);

/**
 * Speaks Comfy API v2. Errors: those that the server names; `service_unavailable` where nothing
 * answers; whatever the caller's signal was aborted with.
 */
export class ApiClient {
  readonly baseUrl: string;
  private readonly apiKey: string | undefined;

  constructor(options: ApiClientOptions) {
    this.baseUrl = options.baseUrl;
    this.apiKey = options.apiKey;
  }

  async json<S extends z.ZodType>(
    schema: S,
    method: string,
    path: string,
    request: ApiRequest = {},
  ): Promise<z.infer<S>> {
    const response = await this.send(method, path, request);
    const parsed = schema.safeParse(await readJson(response));
    if (parsed.success) return parsed.data;
    const message = `${this.baseUrl} answered in a shape that is not Comfy API v2's; is it a Hearth?`;
    throw new HearthError("config_invalid", { message, cause: parsed.error });
  }

  /** The response once it is a success; its body is unread. */
  async send(method: string, path: string, request: ApiRequest = {}): Promise<Response> {
    const response = await this.reach(method, path, request);
    if (response.ok) return response;
    throw await errorOf(response);
  }

  /** Whatever is answered, also errors. */
  async reach(method: string, path: string, request: ApiRequest = {}): Promise<Response> {
    const { body = null, headers = {}, signal, timeoutMs = defaultTimeoutMs } = request;
    const limits = timeoutMs === null ? [] : [AbortSignal.timeout(timeoutMs)];
    if (signal !== undefined) limits.push(signal);
    const authorization =
      this.apiKey === undefined ? {} : { Authorization: `Bearer ${this.apiKey}` };
    const type = typeof body === "string" ? { "Content-Type": "application/json" } : {};
    try {
      return await fetch(`${this.baseUrl}${path}`, {
        method,
        body,
        headers: { ...authorization, ...type, ...headers },
        ...(limits.length > 0 && { signal: AbortSignal.any(limits) }),
      });
    } catch (cause) {
      if (signal?.aborted === true) throw cause;
      throw unreachable(this.baseUrl, cause);
    }
  }
}

/** Whether asking again later may help. */
export function isPassing(thrown: unknown): boolean {
  return thrown instanceof HearthError && passingCodes.has(thrown.code);
}

function unreachable(baseUrl: string, cause: unknown): HearthError {
  const { cause: inner } = cause instanceof Error ? cause : { cause: undefined };
  const reason =
    inner instanceof Error && inner.message !== "" ? inner.message : errorMessage(cause);
  const message = `No Hearth answers at ${baseUrl} (${reason}). Start one with hearth up, or set HEARTH_URL.`;
  return new HearthError("service_unavailable", { message, cause });
}

async function errorOf(response: Response): Promise<HearthError> {
  const parsed = errorEnvelopeSchema.safeParse(await readJson(response).catch(() => undefined));
  if (!parsed.success) return statusError(response.status);
  const { code, message, details } = parsed.data.error;
  const retryAfter = Number(response.headers.get("Retry-After") ?? "");
  const options = {
    message,
    ...(details && { details }),
    ...(retryAfter > 0 && { retryAfterSeconds: retryAfter }),
  };
  if (isErrorCode(code)) return new HearthError(code, options);
  return new HearthError(codeOfStatus(response.status), {
    ...options,
    details: { ...details, code },
  });
}

function statusError(status: number): HearthError {
  const message = `The server answered with HTTP status ${status}.`;
  return new HearthError(codeOfStatus(status), { message, details: { status } });
}

function codeOfStatus(status: number): HearthError["code"] {
  const known = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    422: "invalid_request",
    429: "rate_limited",
    502: "service_unavailable",
    503: "service_unavailable",
    504: "service_unavailable",
  } as const;
  return known[status as keyof typeof known] ?? "upstream_error";
}

function readJson(response: Response): Promise<unknown> {
  return response.json();
}
