import type { protos, v2 } from "@google-cloud/run";

import { deploymentMark, type FoundResource, type Resource } from "../../deploy/plan/resource.ts";
import type { JsonObject } from "../../kernel/json.ts";
import type { CallPatience } from "../calls.ts";
import type { Deployer } from "../deployer.ts";
import { untilGone } from "../until-gone.ts";
import { callCloudRun, callOptions, openCloudRun, type CloudRunClientOptions } from "./client.ts";

type Job = protos.google.cloud.run.v2.IJob;

const pageSize = 100;

/** The Cloud Run job of a deployment. What it says holds from the answer on; nothing is waited for. */
export class CloudRunDeployer implements Deployer {
  private readonly jobs: v2.JobsClient;
  private readonly executions: v2.ExecutionsClient;
  /** `projects/…/locations/…` */
  private readonly parent: string;
  private readonly patience: CallPatience;

  private constructor(
    jobs: v2.JobsClient,
    executions: v2.ExecutionsClient,
    parent: string,
    patience: CallPatience,
  ) {
    this.jobs = jobs;
    this.executions = executions;
    this.parent = parent;
    this.patience = patience;
  }

  static async open(
    options: CloudRunClientOptions,
    place: { readonly project: string; readonly region: string },
    patience: CallPatience,
  ): Promise<CloudRunDeployer> {
    const { jobs, executions } = await openCloudRun(options);
    const parent = `projects/${place.project}/locations/${place.region}`;
    return new CloudRunDeployer(jobs, executions, parent, patience);
  }

  async read(deployment: string): Promise<readonly FoundResource[]> {
    const job = await this.job(deployment);
    return job === undefined ? [] : [foundOf(deployment, job)];
  }

  async create({ name, fields }: Resource): Promise<void> {
    const request = { parent: this.parent, jobId: name, job: fields as Job };
    await this.call("create job", false, () => this.jobs.createJob(request, callOptions));
  }

  async update({ fields }: Resource, { id }: FoundResource): Promise<void> {
    const job = { ...(fields as Job), name: id };
    await this.call("update job", true, () => this.jobs.updateJob({ job }, callOptions));
  }

  async remove({ id, name }: FoundResource): Promise<void> {
    await this.call("delete job", true, () => this.jobs.deleteJob({ name: id }, callOptions));
    const isThere = async (): Promise<boolean> => (await this.job(name)) !== undefined;
    await untilGone(`The job ${name}`, isThere, this.patience);
  }

  async running({ id }: FoundResource): Promise<number> {
    const request = { parent: id, pageSize };
    const reply = await this.call("list executions", true, () =>
      this.executions.listExecutions(request, callOptions),
    );
    // An execution's time of completion is there once it has ended.
    return (reply?.[0] ?? []).filter(({ completionTime }) => !completionTime).length;
  }

  private async job(name: string): Promise<Job | undefined> {
    const path = `${this.parent}/jobs/${name}`;
    const reply = await this.call("get job", true, () =>
      this.jobs.getJob({ name: path }, callOptions),
    );
    const [job] = reply ?? [];
    return job === undefined || job.deleteTime ? undefined : job;
  }

  private call<T>(
    operation: string,
    isIdempotent: boolean,
    run: () => Promise<T>,
  ): Promise<T | undefined> {
    return callCloudRun(operation, isIdempotent, run, this.patience);
  }
}

function foundOf(name: string, job: Job): FoundResource {
  return {
    kind: "job",
    name,
    id: job.name ?? name,
    deployment: job.labels?.[deploymentMark] ?? null,
    fields: JSON.parse(JSON.stringify(job)) as JsonObject,
  };
}
