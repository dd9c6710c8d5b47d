import type * as Sdk from "@aws-sdk/client-ecs";
import type {
  CreateCapacityProviderRequest,
  ECSClient,
  ECSClientConfig,
  RegisterTaskDefinitionRequest,
  Tag,
} from "@aws-sdk/client-ecs";

import { deploymentMark, type FoundResource, type Resource } from "../../deploy/plan/resource.ts";
import { ecsNames } from "../../deploy/resources/ecs.ts";
import type { JsonObject } from "../../kernel/json.ts";
import { callPlatform, type CallFailure, type CallPatience } from "../calls.ts";
import type { Deployer } from "../deployer.ts";
import { untilGone } from "../until-gone.ts";
import { failureOf } from "./map.ts";

type Send = (sdk: typeof Sdk, client: ECSClient, signal: AbortSignal) => Promise<unknown>;

/** A page of revisions; each apply leaves none but the newest. */
const maxRevisions = 100;
const deleteLimit = 10;

/** Cluster, capacity provider and task definition of a deployment. */
export class EcsDeployer implements Deployer {
  private readonly sdk: typeof Sdk;
  private readonly client: ECSClient;
  private readonly patience: CallPatience;

  private constructor(sdk: typeof Sdk, config: ECSClientConfig, patience: CallPatience) {
    this.sdk = sdk;
    this.client = new sdk.ECSClient({ ...config, maxAttempts: 1 });
    this.patience = patience;
  }

  static async open(config: ECSClientConfig, patience: CallPatience): Promise<EcsDeployer> {
    return new EcsDeployer(await import("@aws-sdk/client-ecs"), config, patience);
  }

  /** The names follow from the deployment's, so there is nothing else to look for. */
  async read(deployment: string): Promise<readonly FoundResource[]> {
    const { cluster, provider, family } = ecsNames(deployment);
    const found = [
      await this.cluster(cluster),
      await this.provider(cluster, provider),
      await this.taskDefinition(family),
    ];
    return found.filter((each) => each !== undefined);
  }

  async create({ kind, fields }: Resource): Promise<void> {
    switch (kind) {
      case "cluster":
        return this.send("CreateCluster", (sdk, client, abortSignal) =>
          client.send(new sdk.CreateClusterCommand(fields), { abortSignal }),
        );
      case "capacity provider": {
        const input = fields as unknown as CreateCapacityProviderRequest;
        return this.send("CreateCapacityProvider", (sdk, client, abortSignal) =>
          client.send(new sdk.CreateCapacityProviderCommand(input), { abortSignal }),
        );
      }
      default: {
        const input = fields as unknown as RegisterTaskDefinitionRequest;
        return this.send("RegisterTaskDefinition", (sdk, client, abortSignal) =>
          client.send(new sdk.RegisterTaskDefinitionCommand(input), { abortSignal }),
        );
      }
    }
  }

  async update(resource: Resource, found: FoundResource): Promise<void> {
    if (resource.kind === "task definition") {
      // Running tasks keep their revision; the old ones start nothing any more.
      const before = await this.revisions(resource.name);
      await this.create(resource);
      return this.removeRevisions(before);
    }
    const { name, cluster, managedInstancesProvider, tags } =
      resource.fields as unknown as CreateCapacityProviderRequest;
    if (resource.kind === "capacity provider") {
      const input = { name, cluster, managedInstancesProvider };
      await this.send("UpdateCapacityProvider", (sdk, client, abortSignal) =>
        client.send(new sdk.UpdateCapacityProviderCommand(input), { abortSignal }),
      );
    }
    await this.send("TagResource", (sdk, client, abortSignal) =>
      client.send(new sdk.TagResourceCommand({ resourceArn: found.id, tags }), { abortSignal }),
    );
  }

  async remove({ kind, name, fields }: FoundResource): Promise<void> {
    if (kind === "task definition") return this.removeRevisions(await this.revisions(name));
    if (kind === "cluster") {
      await this.send("DeleteCluster", (sdk, client, abortSignal) =>
        client.send(new sdk.DeleteClusterCommand({ cluster: name }), { abortSignal }),
      );
      const isThere = async (): Promise<boolean> => (await this.cluster(name)) !== undefined;
      return untilGone(`The cluster ${name}`, isThere, this.patience);
    }
    const cluster = String(fields["cluster"]);
    await this.send("DeleteCapacityProvider", (sdk, client, abortSignal) =>
      client.send(new sdk.DeleteCapacityProviderCommand({ capacityProvider: name, cluster }), {
        abortSignal,
      }),
    );
    const isThere = async (): Promise<boolean> =>
      (await this.provider(cluster, name)) !== undefined;
    return untilGone(`The capacity provider ${name}`, isThere, this.patience);
  }

  async running({ kind, name }: FoundResource): Promise<number> {
    if (kind !== "cluster") return 0;
    const reply = await this.call("ListTasks", (signal) =>
      this.client.send(new this.sdk.ListTasksCommand({ cluster: name }), { abortSignal: signal }),
    );
    return reply?.taskArns?.length ?? 0;
  }

  close(): void {
    this.client.destroy();
  }

  private async cluster(name: string): Promise<FoundResource | undefined> {
    const input = { clusters: [name], include: ["TAGS"] as const };
    const reply = await this.call("DescribeClusters", (signal) =>
      this.client.send(
        new this.sdk.DescribeClustersCommand({ ...input, include: [...input.include] }),
        { abortSignal: signal },
      ),
    );
    const found = reply?.clusters?.find(({ status }) => status !== "INACTIVE");
    return found && foundOf("cluster", name, found.clusterArn, found.tags, found);
  }

  private async provider(cluster: string, name: string): Promise<FoundResource | undefined> {
    const reply = await this.call("DescribeCapacityProviders", (signal) =>
      this.client.send(
        new this.sdk.DescribeCapacityProvidersCommand({
          capacityProviders: [name],
          cluster,
          include: ["TAGS"],
        }),
        { abortSignal: signal },
      ),
    );
    const found = reply?.capacityProviders?.find(({ status }) => status !== "INACTIVE");
    // The cluster comes back as an ARN.
    return (
      found &&
      foundOf("capacity provider", name, found.capacityProviderArn, found.tags, {
        ...found,
        cluster,
      })
    );
  }

  private async taskDefinition(family: string): Promise<FoundResource | undefined> {
    const reply = await this.call("DescribeTaskDefinition", (signal) =>
      this.client.send(
        new this.sdk.DescribeTaskDefinitionCommand({ taskDefinition: family, include: ["TAGS"] }),
        { abortSignal: signal },
      ),
    );
    const found = reply?.taskDefinition;
    const tags = reply?.tags ?? [];
    return (
      found && foundOf("task definition", family, found.taskDefinitionArn, tags, { ...found, tags })
    );
  }

  private async revisions(familyPrefix: string): Promise<readonly string[]> {
    const input = { familyPrefix, maxResults: maxRevisions };
    const reply = await this.call("ListTaskDefinitions", (signal) =>
      this.client.send(new this.sdk.ListTaskDefinitionsCommand(input), { abortSignal: signal }),
    );
    // A prefix finds families with longer names as well.
    return (reply?.taskDefinitionArns ?? []).filter((arn) =>
      arn.replace(/:\d+$/u, "").endsWith(`/${familyPrefix}`),
    );
  }

  private async removeRevisions(arns: readonly string[]): Promise<void> {
    for (const taskDefinition of arns) {
      await this.send("DeregisterTaskDefinition", (sdk, client, abortSignal) =>
        client.send(new sdk.DeregisterTaskDefinitionCommand({ taskDefinition }), { abortSignal }),
      );
    }
    for (let from = 0; from < arns.length; from += deleteLimit) {
      const taskDefinitions = arns.slice(from, from + deleteLimit);
      await this.send("DeleteTaskDefinitions", (sdk, client, abortSignal) =>
        client.send(new sdk.DeleteTaskDefinitionsCommand({ taskDefinitions }), { abortSignal }),
      );
    }
  }

  private async send(operation: string, run: Send): Promise<void> {
    await this.call(operation, (signal) => run(this.sdk, this.client, signal));
  }

  /** Names make each of these safe to send again; a task definition would gain a revision more. */
  private call<T>(
    operation: string,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const meaning = (thrown: unknown): CallFailure =>
      isMissing(thrown) ? { kind: "missing" } : failureOf(thrown, this.patience.clock.now());
    const isIdempotent = operation !== "RegisterTaskDefinition";
    return callPlatform(
      { what: `ECS ${operation}`, run, failureOf: meaning, isIdempotent },
      this.patience,
    );
  }
}

function isMissing(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return (
    thrown.name === "ClusterNotFoundException" ||
    /unable to describe task definition|does not exist|not found/iu.test(thrown.message)
  );
}

function foundOf(
  kind: string,
  name: string,
  id: string | undefined,
  tags: readonly Tag[] | undefined,
  described: object,
): FoundResource {
  const mark = tags?.find(({ key }) => key === deploymentMark)?.value;
  // Dates become text, as on the wire.
  const fields = JSON.parse(JSON.stringify(described)) as JsonObject;
  return { kind, name, id: id ?? name, deployment: mark ?? null, fields };
}
