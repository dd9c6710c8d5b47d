import type { protos, v2 } from "@google-cloud/run";

import { HearthError } from "../../kernel/errors.ts";
import { callPlatform, type CallPatience } from "../calls.ts";
import type { LaunchSpec } from "../platform.ts";
import { executionId, failureOf, jobPath, runJobRequest, type CloudRunPlace } from "./map.ts";

export type CloudRunClientOptions = NonNullable<ConstructorParameters<typeof v2.JobsClient>[0]>;
type Execution = protos.google.cloud.run.v2.IExecution;

/** Bounds on one look at the job; ended executions stay in its list. */
const pageSize = 100;
const maxPages = 20;
/** Trying again is ours alone. */
export const callOptions = { timeout: 15_000, retry: null, autoPaginate: false } as const;

/** The calls that we need of Google's client, which is loaded only here. */
export class CloudRunClient {
  private readonly jobs: v2.JobsClient;
  private readonly executions: v2.ExecutionsClient;
  private readonly place: CloudRunPlace;
  private readonly patience: CallPatience;

  private constructor(
    jobs: v2.JobsClient,
    executions: v2.ExecutionsClient,
    place: CloudRunPlace,
    patience: CallPatience,
  ) {
    this.jobs = jobs;
    this.executions = executions;
    this.place = place;
    this.patience = patience;
  }

  static async open(
    options: CloudRunClientOptions,
    place: CloudRunPlace,
    patience: CallPatience,
  ): Promise<CloudRunClient> {
    const { jobs, executions } = await openCloudRun(options);
    return new CloudRunClient(jobs, executions, place, patience);
  }

  /** Returns the execution's id. Sent twice, it would run twice. */
  async runJob(spec: LaunchSpec): Promise<string> {
    const name = await this.call("run job", false, async () => {
      const [operation] = await this.jobs.runJob(runJobRequest(this.place, spec), callOptions);
      const { name } = operation.metadata as Execution;
      if (typeof name !== "string") throw new Error("the answer names no execution");
      return executionId(name);
    });
    if (name !== undefined) return name;
    const message = `Cloud Run run job: there is no job ${jobPath(this.place)}.`;
    throw new HearthError("platform_refused", { message });
  }

  async cancel(id: string): Promise<void> {
    const name = `${jobPath(this.place)}/executions/${id}`;
    await this.call("cancel execution", true, () =>
      this.executions.cancelExecution({ name }, callOptions),
    );
  }

  async listExecutions(): Promise<readonly Execution[]> {
    const found: Execution[] = [];
    let pageToken = "";
    for (let page = 0; page < maxPages; page++) {
      const request = { parent: jobPath(this.place), pageSize, pageToken };
      const reply = await this.call("list executions", true, () =>
        this.executions.listExecutions(request, callOptions),
      );
      found.push(...(reply?.[0] ?? []));
      pageToken = reply?.[2]?.nextPageToken ?? "";
      if (pageToken === "") break;
    }
    return found;
  }

  private call<T>(
    operation: string,
    isIdempotent: boolean,
    run: () => Promise<T>,
  ): Promise<T | undefined> {
    return callCloudRun(operation, isIdempotent, run, this.patience);
  }
}

export async function openCloudRun(
  options: CloudRunClientOptions,
): Promise<{ readonly jobs: v2.JobsClient; readonly executions: v2.ExecutionsClient }> {
  const { v2 } = await import("@google-cloud/run");
  // REST in place of gRPC: one transport through every proxy, and no native parts.
  const rest = { fallback: true, ...options };
  return { jobs: new v2.JobsClient(rest), executions: new v2.ExecutionsClient(rest) };
}

/** Undefined for what is not there. */
export function callCloudRun<T>(
  operation: string,
  isIdempotent: boolean,
  run: () => Promise<T>,
  patience: CallPatience,
): Promise<T | undefined> {
  return callPlatform({ what: `Cloud Run ${operation}`, run, failureOf, isIdempotent }, patience);
}
