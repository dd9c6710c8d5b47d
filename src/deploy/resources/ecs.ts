import { ecsMachine, machineDiskGib, maxStopSeconds } from "../manifests/ecs.ts";
import { workerToken } from "../manifests/deployment-plan.ts";
import { marksOf, type DeployTarget, type Wanted } from "../plan/resource.ts";

/** What the resources of a deployment are called, by its name. */
export function ecsNames(name: string): {
  readonly cluster: string;
  readonly provider: string;
  readonly family: string;
} {
  return { cluster: name, provider: `${name}-gpu`, family: name };
}

/** A cluster, machines with the GPU, and the task; roles and network are the account's own. */
export function ecsResources(target: DeployTarget): Wanted {
  const { plan, place } = target;
  const found = ecsMachine(plan);
  if (!found.ok) return found;
  const { cluster, provider, family } = ecsNames(plan.name);
  const tags = Object.entries(marksOf(target)).map(([key, value]) => ({ key, value }));
  const managedInstancesProvider = {
    infrastructureRoleArn: place["infrastructureRole"] ?? "",
    instanceLaunchTemplate: {
      ec2InstanceProfileArn: place["instanceProfile"] ?? "",
      networkConfiguration: {
        subnets: listIn(place["subnets"]),
        securityGroups: listIn(place["securityGroups"]),
      },
      storageConfiguration: { storageSizeGiB: machineDiskGib },
      instanceRequirements: {
        vCpuCount: { min: plan.cpuCores },
        memoryMiB: { min: plan.memoryGib * 1_024 },
        // ECS knows no name for the newer accelerators, so the machine says which one.
        allowedInstanceTypes: [found.machine],
        acceleratorTypes: ["gpu"],
      },
    },
  };
  const container = {
    name: "worker",
    image: plan.image,
    essential: true,
    stopTimeout: Math.min(maxStopSeconds, plan.graceSeconds),
    resourceRequirements: [{ type: "GPU", value: "1" }],
    environment: [{ name: "HEARTH_GATEWAY_URL", value: plan.gatewayUrl }],
    secrets: [{ name: workerToken, valueFrom: place["tokenSecret"] ?? "" }],
  };
  return {
    ok: true,
    resources: [
      { kind: "cluster", name: cluster, fields: { clusterName: cluster, tags } },
      {
        kind: "capacity provider",
        name: provider,
        fields: { name: provider, cluster, managedInstancesProvider, tags },
      },
      {
        kind: "task definition",
        name: family,
        fields: {
          family,
          requiresCompatibilities: ["MANAGED_INSTANCES"],
          networkMode: "awsvpc",
          cpu: String(plan.cpuCores * 1_024),
          memory: String(plan.memoryGib * 1_024),
          executionRoleArn: place["executionRole"] ?? "",
          containerDefinitions: [container],
          tags,
        },
      },
    ],
  };
}

function listIn(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
