import type RunpodSdk from "runpod-sdk";
import { request } from "undici";

import { HearthError } from "../../kernel/errors.ts";
import { callPlatform, type CallPatience } from "../calls.ts";
import type { LaunchSpec } from "../platform.ts";
import {
  drainJob,
  failureOf,
  type HttpFailure,
  type JobReport,
  type RunpodPlace,
  type RunpodWorkers,
} from "./map.ts";

export interface RunpodAccess {
  readonly apiKey: string;
  /** Default `https://api.runpod.ai/v2`. */
  readonly jobUrl?: string;
  /** Default `https://api.runpod.io/v2`. */
  readonly managementUrl?: string;
}

type Endpoint = NonNullable<ReturnType<ReturnType<typeof RunpodSdk>["endpoint"]>>;

const defaultJobUrl = "https://api.runpod.ai/v2";
const defaultManagementUrl = "https://api.runpod.io/v2";
const timeoutMs = 15_000;

/** An answer that is not what was asked for. */
class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";
  readonly failure: HttpFailure;

  constructor(failure: HttpFailure) {
    super(`HTTP ${failure.status ?? "?"}`);
    this.failure = failure;
  }
}

/** Jobs through RunPod's own client, the endpoint's settings through its REST API v2. */
export class RunpodClient {
  private readonly endpoint: Endpoint;
  private readonly access: RunpodAccess;
  private readonly place: RunpodPlace;
  private readonly patience: CallPatience;

  private constructor(
    endpoint: Endpoint,
    access: RunpodAccess,
    place: RunpodPlace,
    patience: CallPatience,
  ) {
    this.endpoint = endpoint;
    this.access = access;
    this.place = place;
    this.patience = patience;
  }

  static async open(
    access: RunpodAccess,
    place: RunpodPlace,
    patience: CallPatience,
  ): Promise<RunpodClient> {
    const { default: runpodSdk } = await import("runpod-sdk");
    const sdk = runpodSdk(access.apiKey, { baseUrl: access.jobUrl ?? defaultJobUrl });
    const endpoint = sdk.endpoint(place.endpointId);
    if (endpoint === null) throw new HearthError("platform_refused");
    return new RunpodClient(endpoint, access, place, patience);
  }

  /** Returns the job's id. Sent twice, it would run twice. */
  async run(spec: LaunchSpec): Promise<string> {
    const id = await this.call("run", false, async () => {
      const reply = await this.endpoint.run(drainJob(this.place, spec), timeoutMs);
      // The client hands a refusal on as if it were an answer.
      if (typeof reply.id !== "string") throw new HttpRefusal(refusalOf(reply));
      return reply.id;
    });
    if (id !== undefined) return id;
    const message = `RunPod run: there is no endpoint ${this.place.endpointId}.`;
    throw new HearthError("platform_refused", { message });
  }

  /** Undefined for a job that RunPod does not know any more. */
  async status(jobId: string): Promise<JobReport | undefined> {
    return this.call("status", true, () => this.endpoint.status(jobId, timeoutMs));
  }

  async cancel(jobId: string): Promise<void> {
    await this.call("cancel", true, () => this.endpoint.cancel(jobId, timeoutMs));
  }

  async endpointWorkers(): Promise<Partial<RunpodWorkers>> {
    const found = await this.manage("read endpoint", "GET", "");
    return (found as { workers?: Partial<RunpodWorkers> }).workers ?? {};
  }

  /** Nothing but the workers: a list of GPU pools that is sent along would clear others. */
  async setEndpointWorkers(workers: RunpodWorkers): Promise<void> {
    await this.manage("set endpoint", "PATCH", "", { workers });
  }

  /** The GPU of each worker by its id. */
  async gpuTypes(): Promise<ReadonlyMap<string, string>> {
    const found = await this.manage("list workers", "GET", "/workers");
    const { workers = [] } = found as { workers?: { id?: string; gpuTypeId?: string }[] };
    return new Map(
      workers.flatMap(({ id, gpuTypeId }) =>
        id === undefined || gpuTypeId === undefined ? [] : [[id, gpuTypeId] as const],
      ),
    );
  }

  private async manage(
    operation: string,
    method: "GET" | "PATCH",
    path: string,
    body?: object,
  ): Promise<object> {
    const { apiKey, managementUrl = defaultManagementUrl } = this.access;
    const found = await this.call(operation, true, async (signal) => {
      const reply = await request(`${managementUrl}/serverless/${this.place.endpointId}${path}`, {
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
      return JSON.parse(text) as object;
    });
    return found ?? {};
  }

  private call<T>(
    operation: string,
    isIdempotent: boolean,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const { clock } = this.patience;
    return callPlatform(
      {
        what: `RunPod ${operation}`,
        run,
        failureOf: (thrown) => failureOf(httpFailure(thrown), clock.now()),
        isIdempotent,
      },
      this.patience,
    );
  }
}

/** The client's own errors carry the response; lost connections carry none. */
function httpFailure(thrown: unknown): HttpFailure {
  if (thrown instanceof HttpRefusal) return thrown.failure;
  const { response } = (thrown ?? {}) as {
    response?: { status?: number; headers?: Headers; data?: unknown };
  };
  const text =
    typeof response?.data === "string" ? titleOf(response.data) : titleIn(response?.data);
  return { status: response?.status, retryAfter: response?.headers?.get("retry-after"), text };
}

function refusalOf(reply: object): HttpFailure {
  const { status } = reply as { status?: unknown };
  return { status: typeof status === "number" ? status : undefined, retryAfter: null, text: "" };
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
