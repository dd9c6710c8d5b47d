import type { CreateCapacityProviderRequest, ECSClientConfig } from "@aws-sdk/client-ecs";

import type { FoundResource, Resource } from "../../deploy/plan/resource.ts";
import { ecsNames } from "../../deploy/resources/ecs.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { CallPatience } from "../calls.ts";
import type { Deployer } from "../deployer.ts";
import { untilGone } from "../until-gone.ts";
import { EcsCalls, foundOf } from "./deploy-calls.ts";
import { EcsRevisions, revisionKinds } from "./revisions.ts";

/** Cluster, capacity provider and task definition of a deployment. */
export class EcsDeployer implements Deployer {
  private readonly calls: EcsCalls;
  private readonly revisions: EcsRevisions;

  private constructor(calls: EcsCalls) {
    this.calls = calls;
    this.revisions = new EcsRevisions(calls);
  }

  static async open(config: ECSClientConfig, patience: CallPatience): Promise<EcsDeployer> {
    return new EcsDeployer(new EcsCalls(await import("@aws-sdk/client-ecs"), config, patience));
  }

  /** The names follow from the deployment's, so there is nothing else to look for. */
  async read(deployment: string): Promise<readonly FoundResource[]> {
    const { cluster, provider, family } = ecsNames(deployment);
    const found = [await this.cluster(cluster), await this.provider(cluster, provider)];
    return [...found.filter((each) => each !== undefined), ...(await this.revisions.read(family))];
  }

  async create({ kind, fields }: Resource): Promise<void> {
    switch (kind) {
      case "cluster":
        return this.calls.send("CreateCluster", (sdk, client, abortSignal) =>
          client.send(new sdk.CreateClusterCommand(fields), { abortSignal }),
        );
      case "capacity provider": {
        const input = fields as unknown as CreateCapacityProviderRequest;
        return this.calls.send("CreateCapacityProvider", (sdk, client, abortSignal) =>
          client.send(new sdk.CreateCapacityProviderCommand(input), { abortSignal }),
        );
      }
      default:
        return this.revisions.register(fields);
    }
  }

  async update(resource: Resource, found: FoundResource): Promise<void> {
    if (resource.kind === revisionKinds.newest) {
      // Running tasks keep their revision; the old one starts nothing any more.
      await this.revisions.register(resource.fields);
      return this.revisions.remove(found.id);
    }
    const { name, cluster, managedInstancesProvider, tags } =
      resource.fields as unknown as CreateCapacityProviderRequest;
    if (resource.kind === "capacity provider") {
      const input = { name, cluster, managedInstancesProvider };
      await this.calls.send("UpdateCapacityProvider", (sdk, client, abortSignal) =>
        client.send(new sdk.UpdateCapacityProviderCommand(input), { abortSignal }),
      );
    }
    await this.calls.send("TagResource", (sdk, client, abortSignal) =>
      client.send(new sdk.TagResourceCommand({ resourceArn: found.id, tags }), { abortSignal }),
    );
  }

  async remove({ kind, name, id, fields }: FoundResource): Promise<void> {
    if (kind === revisionKinds.newest || kind === revisionKinds.old) {
      return this.revisions.remove(id);
    }
    if (kind === "cluster") {
      await this.calls.send("DeleteCluster", (sdk, client, abortSignal) =>
        client.send(new sdk.DeleteClusterCommand({ cluster: name }), { abortSignal }),
      );
      const isThere = async (): Promise<boolean> => (await this.cluster(name)) !== undefined;
      return untilGone(`The cluster ${name}`, isThere, this.calls.patience);
    }
    const { cluster } = fields;
    if (typeof cluster !== "string") {
      const message = `The capacity provider ${name} names no cluster.`;
      throw new HearthError("platform_refused", { message });
    }
    await this.calls.send("DeleteCapacityProvider", (sdk, client, abortSignal) =>
      client.send(new sdk.DeleteCapacityProviderCommand({ capacityProvider: name, cluster }), {
        abortSignal,
      }),
    );
    const isThere = async (): Promise<boolean> =>
      (await this.provider(cluster, name)) !== undefined;
    return untilGone(`The capacity provider ${name}`, isThere, this.calls.patience);
  }

  async running({ kind, name }: FoundResource): Promise<number> {
    if (kind !== "cluster") return 0;
    const reply = await this.calls.call("ListTasks", (sdk, client, abortSignal) =>
      client.send(new sdk.ListTasksCommand({ cluster: name }), { abortSignal }),
    );
    return reply?.taskArns?.length ?? 0;
  }

  close(): void {
    this.calls.close();
  }

  private async cluster(name: string): Promise<FoundResource | undefined> {
    const input = { clusters: [name], include: ["TAGS" as const] };
    const reply = await this.calls.call("DescribeClusters", (sdk, client, abortSignal) =>
      client.send(new sdk.DescribeClustersCommand(input), { abortSignal }),
    );
    const found = reply?.clusters?.find(({ status }) => status !== "INACTIVE");
    return found && foundOf("cluster", name, found.clusterArn, found.tags, found);
  }

  private async provider(cluster: string, name: string): Promise<FoundResource | undefined> {
    const input = { capacityProviders: [name], cluster, include: ["TAGS" as const] };
    const reply = await this.calls.call("DescribeCapacityProviders", (sdk, client, abortSignal) =>
      client.send(new sdk.DescribeCapacityProvidersCommand(input), { abortSignal }),
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
}
