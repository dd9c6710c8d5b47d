import { request } from "undici";

import { callPlatform, type CallPatience } from "../calls.ts";
import { failureOf, type HttpFailure } from "./map.ts";

export interface RunpodManagementAccess {
  readonly apiKey: string;
  /** Default `https://api.runpod.io/v2`. */
  readonly managementUrl?: string;
}

const defaultManagementUrl = "https://api.runpod.io/v2";

/** An answer that is not what was asked for. */
export class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";
  readonly failure: HttpFailure;

  constructor(failure: HttpFailure) {
    super(`HTTP ${failure.status ?? "?"}`);
    this.failure = failure;
  }
}

/** RunPod's REST API v2, for which it has no client. */
export class RunpodManagement {
  private readonly access: RunpodManagementAccess;
  private readonly patience: CallPatience;

  constructor(access: RunpodManagementAccess, patience: CallPatience) {
    this.access = access;
    this.patience = patience;
  }

  /** Undefined: it is not there. A `POST` whose answer is lost is not sent again. */
  send(
    operation: string,
    method: "GET" | "POST" | "PATCH" | "DELETE",
    path: string,
    body?: object,
  ): Promise<object | undefined> {
    const { apiKey, managementUrl = defaultManagementUrl } = this.access;
    const run = async (signal: AbortSignal): Promise<object> => {
      const reply = await request(`${managementUrl}${path}`, {
        method,
        signal,
        headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await reply.body.text();
      if (reply.statusCode >= 400) {
        const retryAfter = String(reply.headers["retry-after"] ?? "");
        throw new HttpRefusal({ status: reply.statusCode, retryAfter, text: titleOf(text) });
      }
      return text === "" ? {} : (JSON.parse(text) as object);
    };
    const { clock } = this.patience;
    return callPlatform(
      {
        what: `RunPod ${operation}`,
        run,
        failureOf: (thrown) => failureOf(httpFailure(thrown), clock.now()),
        isIdempotent: method !== "POST",
      },
      this.patience,
    );
  }
}

/** The client's own errors carry the response; lost connections carry none. */
export function httpFailure(thrown: unknown): HttpFailure {
  if (thrown instanceof HttpRefusal) return thrown.failure;
  const { response } = (thrown ?? {}) as {
    response?: { status?: number; headers?: Headers; data?: unknown };
  };
  const text =
    typeof response?.data === "string" ? titleOf(response.data) : titleIn(response?.data);
  return { status: response?.status, retryAfter: response?.headers?.get("retry-after"), text };
}

/** Of `application/problem+json`. */
function titleOf(text: string): string {
  try {
    return titleIn(JSON.parse(text));
  } catch {
    return "";
  }
}

function titleIn(body: unknown): string {
  const { title, detail, error } = (body ?? {}) as Record<string, unknown>;
  return [title, detail, error].filter((part) => typeof part === "string").join(": ");
}
