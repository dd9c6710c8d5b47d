import type {
  ContainerAppsAPIClient,
  ContainerAppsAPIClientOptionalParams,
  JobExecution,
} from "@azure/arm-appcontainers";

import { HearthError } from "../../kernel/errors.ts";
import { callPlatform, type CallPatience } from "../calls.ts";
import type { LaunchSpec } from "../platform.ts";
import { failureOf, startTemplate, type ContainerAppsPlace } from "./map.ts";

export type AzureCredential = ConstructorParameters<typeof ContainerAppsAPIClient>[0];
export type AzureClientOptions = ContainerAppsAPIClientOptionalParams;

/** Ended executions stay in the list for a while. */
const maxListed = 2_000;

/** The calls that we need of Azure's client, which is loaded only here. */
export class ContainerAppsClient {
  private readonly client: ContainerAppsAPIClient;
  private readonly place: ContainerAppsPlace;
  private readonly patience: CallPatience;

  private constructor(
    client: ContainerAppsAPIClient,
    place: ContainerAppsPlace,
    patience: CallPatience,
  ) {
    this.client = client;
    this.place = place;
    this.patience = patience;
  }

  /** Without a credential, Azure's own chain: environment, managed identity, command line. */
  static async open(
    credential: AzureCredential | null,
    options: AzureClientOptions,
    place: ContainerAppsPlace,
    patience: CallPatience,
  ): Promise<ContainerAppsClient> {
    const client = await openAzure(credential, place.subscriptionId, options);
    return new ContainerAppsClient(client, place, patience);
  }

  /** Returns the execution's name. Sent twice, it would run twice. */
  async start(spec: LaunchSpec): Promise<string> {
    const { resourceGroup, job } = this.place;
    const template = startTemplate(this.place, spec);
    const name = await this.call("start job", false, async (abortSignal) => {
      const options = { template, abortSignal, updateIntervalInMs: 1_000 };
      const execution = await this.client.jobs.start(resourceGroup, job, options);
      if (execution.name === undefined) throw new Error("the answer names no execution");
      return execution.name;
    });
    if (name !== undefined) return name;
    const message = `Container Apps start job: there is no job ${job} in ${resourceGroup}.`;
    throw new HearthError("platform_refused", { message });
  }

  /** Does not wait until it has stopped. */
  async stop(name: string): Promise<void> {
    const { resourceGroup, job } = this.place;
    await this.call("stop execution", true, async (abortSignal) => {
      await this.client.jobs.stopExecution(resourceGroup, job, name, { abortSignal }).submitted();
    });
  }

  async listExecutions(): Promise<readonly JobExecution[]> {
    const { resourceGroup, job } = this.place;
    const found = await this.call("list executions", true, async (abortSignal) => {
      const executions: JobExecution[] = [];
      const pages = this.client.jobsExecutions.list(resourceGroup, job, { abortSignal });
      for await (const execution of pages) {
        executions.push(execution);
        if (executions.length >= maxListed) break;
      }
      return executions;
    });
    return found ?? [];
  }

  private call<T>(
    operation: string,
    isIdempotent: boolean,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    return callAzure(operation, isIdempotent, run, this.patience);
  }
}

/** Undefined for what is not there. */
export function callAzure<T>(
  operation: string,
  isIdempotent: boolean,
  run: (signal: AbortSignal) => Promise<T>,
  patience: CallPatience,
): Promise<T | undefined> {
  const what = `Container Apps ${operation}`;
  const failure = (thrown: unknown) => failureOf(thrown, patience.clock.now());
  return callPlatform({ what, run, failureOf: failure, isIdempotent }, patience);
}

/** Without a credential, Azure's own chain. */
export async function openAzure(
  credential: AzureCredential | null,
  subscriptionId: string,
  options: AzureClientOptions,
): Promise<ContainerAppsAPIClient> {
  const { ContainerAppsAPIClient } = await import("@azure/arm-appcontainers");
  // One way of trying again, ours.
  return new ContainerAppsAPIClient(credential ?? (await defaultCredential()), subscriptionId, {
    ...options,
    retryOptions: { maxRetries: 0 },
  });
}

async function defaultCredential(): Promise<AzureCredential> {
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential();
}
