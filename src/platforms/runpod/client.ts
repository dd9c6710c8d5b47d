import type RunpodSdk from "runpod-sdk";

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
import {
  httpFailure,
  HttpRefusal,
  RunpodManagement,
  type RunpodManagementAccess,
} from "./management.ts";

export interface RunpodAccess extends RunpodManagementAccess {
  /** Default `https://api.runpod.ai/v2`. */
  readonly jobUrl?: string;
}

type Endpoint = NonNullable<ReturnType<ReturnType<typeof RunpodSdk>["endpoint"]>>;

const defaultJobUrl = "https://api.runpod.ai/v2";
const timeoutMs = 15_000;

/** Jobs through RunPod's own client, the endpoint's settings through its REST API v2. */
export class RunpodClient {
  private readonly endpoint: Endpoint;
  private readonly management: RunpodManagement;
  private readonly place: RunpodPlace;
  private readonly patience: CallPatience;

  private constructor(
    endpoint: Endpoint,
    management: RunpodManagement,
    place: RunpodPlace,
    patience: CallPatience,
  ) {
    this.endpoint = endpoint;
    this.management = management;
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
    return new RunpodClient(endpoint, new RunpodManagement(access, patience), place, patience);
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
  async setEndpointWorkers(workers: Partial<RunpodWorkers>): Promise<void> {
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
    const place = `/serverless/${this.place.endpointId}${path}`;
    return (await this.management.send(operation, method, place, body)) ?? {};
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

function refusalOf(reply: object): HttpFailure {
  const { status } = reply as { status?: unknown };
  return { status: typeof status === "number" ? status : undefined, retryAfter: null, text: "" };
}
