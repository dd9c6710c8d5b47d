import * as sdk from "@aws-sdk/client-ecs";

import { ecsResources } from "../../src/deploy/resources/ecs.ts";
import { releaseMark } from "../../src/deploy/plan/resource.ts";
import { EcsDeployer } from "../../src/platforms/ecs/deployer.ts";
import type { FakeReply, FakeRequest } from "../fake-cloud/http.ts";
import { smithyFaults } from "../fake-cloud/smithy.ts";
import { Gate, serveBehind, type FakeManagement } from "./management.ts";

const account = "arn:aws:ecs:us-east-1:123456789012";
const prefix = "AmazonEC2ContainerServiceV20141113.";

interface Tagged {
  readonly arn: string;
  tags: sdk.Tag[];
}
type Cluster = Tagged & { readonly name: string; isGone: boolean };
type Provider = Tagged & { readonly input: sdk.CreateCapacityProviderRequest };
type Revision = Tagged & {
  input: sdk.RegisterTaskDefinitionRequest;
  isActive: boolean;
};

/** The part of ECS that keeps what tasks run on, with requests held against the SDK's own schemas. */
class FakeEcsManagement {
  readonly clusters = new Map<string, Cluster>();
  readonly providers = new Map<string, Provider>();
  readonly revisions = new Map<string, Revision>();
  private nextRevision = 1;

  private readonly operations: Readonly<Record<string, [unknown, (input: never) => FakeReply]>> = {
    DescribeClusters: [
      sdk.DescribeClustersRequest$,
      ({ clusters = [] }: sdk.DescribeClustersRequest) =>
        found({
          clusters: clusters.flatMap((name) => shownCluster(this.clusters.get(name))),
          failures: [],
        }),
    ],
    CreateCluster: [
      sdk.CreateClusterRequest$,
      ({ clusterName: name = "", tags = [] }: sdk.CreateClusterRequest) => {
        const before = this.clusters.get(name);
        const made = { name, arn: `${account}:cluster/${name}`, tags, isGone: false };
        if (before === undefined || before.isGone) this.clusters.set(name, made);
        return found({ cluster: {} });
      },
    ],
    DeleteCluster: [
      sdk.DeleteClusterRequest$,
      ({ cluster = "" }: sdk.DeleteClusterRequest) => {
        const there = this.clusters.get(cluster);
        if (there === undefined) return refusal("ClusterNotFoundException", "Cluster not found.");
        if (this.providers.size > 0) {
          return refusal("ClientException", "The cluster has capacity providers.");
        }
        // ECS goes on listing it for a while, as inactive.
        there.isGone = true;
        return found({ cluster: {} });
      },
    ],
    DescribeCapacityProviders: [
      sdk.DescribeCapacityProvidersRequest$,
      ({ capacityProviders = [] }: sdk.DescribeCapacityProvidersRequest) =>
        found({
          capacityProviders: capacityProviders.flatMap((name) => {
            const there = this.providers.get(name);
            return there === undefined ? [] : [shownProvider(there)];
          }),
          failures: [],
        }),
    ],
    CreateCapacityProvider: [
      sdk.CreateCapacityProviderRequest$,
      (input: sdk.CreateCapacityProviderRequest) => {
        const { name = "", cluster = "", tags = [] } = input;
        if (this.clusters.get(cluster)?.isGone !== false) {
          return refusal("ClusterNotFoundException", "Cluster not found.");
        }
        if (this.providers.has(name)) return refusal("ClientException", `${name} is there already`);
        this.providers.set(name, { arn: `${account}:capacity-provider/${name}`, tags, input });
        return found({ capacityProvider: {} });
      },
    ],
    UpdateCapacityProvider: [
      sdk.UpdateCapacityProviderRequest$,
      ({ name = "", managedInstancesProvider }: sdk.UpdateCapacityProviderRequest) => {
        const there = this.providers.get(name);
        if (there === undefined) return refusal("ClientException", `${name} does not exist`);
        const input = { ...there.input, managedInstancesProvider };
        this.providers.set(name, { ...there, input: input as sdk.CreateCapacityProviderRequest });
        return found({ capacityProvider: {} });
      },
    ],
    DeleteCapacityProvider: [
      sdk.DeleteCapacityProviderRequest$,
      ({ capacityProvider = "" }: sdk.DeleteCapacityProviderRequest) => {
        this.providers.delete(capacityProvider);
        return found({ capacityProvider: {} });
      },
    ],
    DescribeTaskDefinition: [
      sdk.DescribeTaskDefinitionRequest$,
      ({ taskDefinition = "" }: sdk.DescribeTaskDefinitionRequest) => {
        const there = this.revisions.get(taskDefinition);
        if (there === undefined) {
          return refusal("ClientException", "Unable to describe task definition.");
        }
        return found({ taskDefinition: shownDefinition(there), tags: there.tags });
      },
    ],
    ListTaskDefinitions: [
      sdk.ListTaskDefinitionsRequest$,
      ({ familyPrefix = "", status = "ACTIVE" }: sdk.ListTaskDefinitionsRequest) =>
        found({
          taskDefinitionArns: [...this.revisions.values()]
            .filter(
              ({ isActive, input }) =>
                isActive === (status === "ACTIVE") && input.family?.startsWith(familyPrefix),
            )
            .map(({ arn }) => arn),
        }),
    ],
    RegisterTaskDefinition: [
      sdk.RegisterTaskDefinitionRequest$,
      (input: sdk.RegisterTaskDefinitionRequest) => {
        const arn = `${account}:task-definition/${input.family ?? ""}:${this.nextRevision++}`;
        this.revisions.set(arn, { arn, tags: input.tags ?? [], input, isActive: true });
        return found({ taskDefinition: {} });
      },
    ],
    DeregisterTaskDefinition: [
      sdk.DeregisterTaskDefinitionRequest$,
      ({ taskDefinition = "" }: sdk.DeregisterTaskDefinitionRequest) => {
        const there = this.revisions.get(taskDefinition);
        if (there !== undefined) there.isActive = false;
        return found({ taskDefinition: {} });
      },
    ],
    DeleteTaskDefinitions: [
      sdk.DeleteTaskDefinitionsRequest$,
      ({ taskDefinitions = [] }: sdk.DeleteTaskDefinitionsRequest) => {
        for (const arn of taskDefinitions) {
          if (this.revisions.get(arn)?.isActive === true) {
            return refusal("InvalidParameterException", "deregister it first");
          }
          this.revisions.delete(arn);
        }
        return found({ taskDefinitions: [], failures: [] });
      },
    ],
    TagResource: [
      sdk.TagResourceRequest$,
      ({ resourceArn, tags = [] }: sdk.TagResourceRequest) => {
        const all: readonly Tagged[] = [...this.clusters.values(), ...this.providers.values()];
        const there = all.find(({ arn }) => arn === resourceArn);
        if (there === undefined) return refusal("ResourceNotFoundException", "not found");
        const set = new Set(tags.map(({ key }) => key));
        there.tags = [...there.tags.filter(({ key }) => !set.has(key)), ...tags];
        return found({});
      },
    ],
    ListTasks: [sdk.ListTasksRequest$, () => found({ taskArns: [] })],
  };

  handle({ headers, body }: FakeRequest): FakeReply {
    const name = operationOf(headers);
    const operation = this.operations[name];
    if (operation === undefined) return refusal("UnknownOperationException", name);
    const [schema, run] = operation;
    const faults = smithyFaults(schema, body);
    if (faults.length > 0) return refusal("InvalidParameterException", faults.join("; "));
    return run(body as never);
  }
}

function operationOf(headers: FakeRequest["headers"]): string {
  return String(headers["x-amz-target"]).slice(prefix.length);
}

function found(body: object): FakeReply {
  return { status: 200, body };
}

function refusal(type: string, message: string): FakeReply {
  return { status: 400, body: { __type: type, message } };
}

function shownCluster(cluster: Cluster | undefined): readonly object[] {
  if (cluster === undefined) return [];
  const { name: clusterName, arn: clusterArn, tags, isGone } = cluster;
  const status = isGone ? "INACTIVE" : "ACTIVE";
  return [{ clusterName, clusterArn, tags, status, runningTasksCount: 0, capacityProviders: [] }];
}

/** What ECS fills in: the cluster as an ARN, and how the machines are watched. */
function shownProvider({ arn, tags, input }: Provider): object {
  const { instanceLaunchTemplate } = input.managedInstancesProvider ?? {};
  return {
    ...input,
    tags,
    capacityProviderArn: arn,
    cluster: `${account}:cluster/${input.cluster ?? ""}`,
    status: "ACTIVE",
    managedInstancesProvider: {
      ...input.managedInstancesProvider,
      propagateTags: "NONE",
      instanceLaunchTemplate: { monitoring: "BASIC", ...instanceLaunchTemplate },
    },
  };
}

function shownContainer(container: object): object {
  return { cpu: 0, portMappings: [], mountPoints: [], volumesFrom: [], ...container };
}

function shownDefinition({ arn, input }: Revision): object {
  const { tags: _, ...rest } = input;
  const containerDefinitions = (input.containerDefinitions ?? []).map(shownContainer);
  const revision = Number(arn.split(":").at(-1));
  return { ...rest, taskDefinitionArn: arn, revision, status: "ACTIVE", containerDefinitions };
}

const reads = /^(Describe|List)/u;

export async function openEcsManagement(): Promise<FakeManagement> {
  const ecs = new FakeEcsManagement();
  const gate = new Gate();
  const server = await serveBehind(
    gate,
    (request) => ecs.handle(request),
    ({ headers }) => !reads.test(operationOf(headers)),
  );
  const isMarked = ({ tags }: Tagged): boolean => tags.some(({ key }) => key === releaseMark);
  return {
    url: server.url,
    gate,
    place: {
      infrastructureRole: "arn:aws:iam::123456789012:role/infrastructure",
      instanceProfile: "arn:aws:iam::123456789012:instance-profile/instance",
      executionRole: "arn:aws:iam::123456789012:role/execution",
      tokenSecret: "arn:aws:secretsmanager:us-east-1:123456789012:secret:hearth-worker-token",
      subnets: "subnet-1, subnet-2",
      securityGroups: "sg-1",
    },
    wanted: ecsResources,
    open: (patience) =>
      EcsDeployer.open(
        {
          endpoint: server.url,
          region: "us-east-1",
          credentials: { accessKeyId: "test", secretAccessKey: "test" },
        },
        patience,
      ),
    drift: () => {
      for (const [arn, revision] of ecs.revisions) {
        const { containerDefinitions: found = [] } = revision.input;
        const changed = (each: (typeof found)[number]) => {
          const environment = [...(each.environment ?? []), { name: "DEBUG", value: "1" }];
          return { ...each, environment };
        };
        const containerDefinitions = found.map(changed);
        const input = { ...revision.input, memory: "1024", containerDefinitions };
        ecs.revisions.set(arn, { ...revision, input });
      }
      return ["memory", "containerDefinitions[worker].environment[DEBUG]"];
    },
    markedCount: () =>
      [...ecs.clusters.values()].filter((each) => isMarked(each) && !each.isGone).length +
      [...ecs.providers.values(), ...ecs.revisions.values()].filter(isMarked).length,
    close: () => server.close(),
  };
}
