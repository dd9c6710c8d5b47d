import type { ContainerAppsAPIClient, Job } from "@azure/arm-appcontainers";

import { deploymentMark, type FoundResource, type Resource } from "../../deploy/plan/resource.ts";
import type { JsonObject } from "../../kernel/json.ts";
import type { CallPatience } from "../calls.ts";
import type { Deployer } from "../deployer.ts";
import { untilGone } from "../until-gone.ts";
import { callAzure, openAzure, type AzureClientOptions, type AzureCredential } from "./client.ts";

const maxListed = 2_000;
const live: ReadonlySet<string> = new Set(["Running", "Processing"]);

export interface ContainerAppsDeployPlace {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
}

/** The Container Apps job of a deployment. A `PUT` is the same sent twice. */
export class ContainerAppsDeployer implements Deployer {
  private readonly client: ContainerAppsAPIClient;
  private readonly resourceGroup: string;
  private readonly patience: CallPatience;

  private constructor(
    client: ContainerAppsAPIClient,
    resourceGroup: string,
    patience: CallPatience,
  ) {
    this.client = client;
    this.resourceGroup = resourceGroup;
    this.patience = patience;
  }

  static async open(
    credential: AzureCredential | null,
    options: AzureClientOptions,
    { subscriptionId, resourceGroup }: ContainerAppsDeployPlace,
    patience: CallPatience,
  ): Promise<ContainerAppsDeployer> {
    const client = await openAzure(credential, subscriptionId, options);
    return new ContainerAppsDeployer(client, resourceGroup, patience);
  }

  async read(deployment: string): Promise<readonly FoundResource[]> {
    const job = await this.job(deployment);
    return job === undefined ? [] : [foundOf(deployment, job)];
  }

  async create({ name, fields }: Resource): Promise<void> {
    const job = fields as unknown as Job;
    await this.call("put job", async (abortSignal) => {
      await this.client.jobs
        .createOrUpdate(this.resourceGroup, name, job, { abortSignal })
        .submitted();
    });
  }

  update(resource: Resource): Promise<void> {
    return this.create(resource);
  }

  async remove({ name }: FoundResource): Promise<void> {
    await this.call("delete job", async (abortSignal) => {
      await this.client.jobs.delete(this.resourceGroup, name, { abortSignal }).submitted();
    });
    const isThere = async (): Promise<boolean> => (await this.job(name)) !== undefined;
    await untilGone(`The job ${name}`, isThere, this.patience);
  }

  async running({ name }: FoundResource): Promise<number> {
    const count = await this.call("list executions", async (abortSignal) => {
      let [seen, running] = [0, 0];
      const pages = this.client.jobsExecutions.list(this.resourceGroup, name, { abortSignal });
      for await (const { status } of pages) {
        if (live.has(status ?? "")) running++;
        if (++seen >= maxListed) break;
      }
      return running;
    });
    return count ?? 0;
  }

  private job(name: string): Promise<Job | undefined> {
    return this.call("get job", (abortSignal) =>
      this.client.jobs.get(this.resourceGroup, name, { abortSignal }),
    );
  }

  private call<T>(
    operation: string,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    return callAzure(operation, true, run, this.patience);
  }
}

function foundOf(name: string, job: Job): FoundResource {
  return {
    kind: "job",
    name,
    id: job.id ?? name,
    deployment: job.tags?.[deploymentMark] ?? null,
    fields: JSON.parse(JSON.stringify(job)) as JsonObject,
  };
}
