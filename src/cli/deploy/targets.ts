import type { DeployTarget, Wanted } from "../../deploy/plan/resource.ts";
import { cloudRunResources } from "../../deploy/resources/cloud-run.ts";
import { containerAppsResources } from "../../deploy/resources/container-apps.ts";
import { ecsResources } from "../../deploy/resources/ecs.ts";
import { kubernetesResources } from "../../deploy/resources/kubernetes.ts";
import { lambdaResources } from "../../deploy/resources/lambda.ts";
import { localResources } from "../../deploy/resources/local.ts";
import { modalResources } from "../../deploy/resources/modal.ts";
import { runpodResources } from "../../deploy/resources/runpod.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { Deployer } from "../../platforms/deployer.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { workersFolder } from "../up/local-workers.ts";
import { credential, missingPackage, patience } from "../platforms/open.ts";

type Place = Readonly<Record<string, string>>;

/** Where a release goes. */
interface Where {
  readonly region: string;
  readonly place: Place;
  /** Of this machine. */
  readonly dataDir: string;
}

/** A platform that releases can be applied to. */
export interface DeployPlatform {
  /** What only the operator knows, with what it is; `?` at the end of a key: it may lack. */
  readonly place: Readonly<Record<string, string>>;
  readonly wanted: (target: DeployTarget) => Wanted;
  readonly open: (where: Where, environment: Io["environment"]) => Promise<Deployer>;
}

const platforms: Readonly<Record<string, DeployPlatform>> = {
  runpod: {
    place: {},
    wanted: runpodResources,
    open: async (_, environment) => {
      const { RunpodDeployer } = await import("../../platforms/runpod/deployer.ts");
      const apiKey = credential("runpod", "RUNPOD_API_KEY", environment);
      const managementUrl = environment["HEARTH_RUNPOD_MANAGEMENT"];
      return new RunpodDeployer(
        { apiKey, ...(managementUrl !== undefined && { managementUrl }) },
        patience,
      );
    },
  },
  ecs: {
    place: {
      infrastructureRole: "the role by which ECS manages machines",
      instanceProfile: "the profile of the machines",
      executionRole: "the role that pulls images and reads the token",
      tokenSecret: "the ARN of the secret hearth-worker-token",
      subnets: "where machines run, by comma",
      "securityGroups?": "of the machines, by comma",
    },
    wanted: ecsResources,
    open: async ({ region }) => {
      const { EcsDeployer } = await import("../../platforms/ecs/deployer.ts");
      return EcsDeployer.open({ region }, patience);
    },
  },
  lambda: {
    place: {
      role: "the ARN of the role that the function has",
      bucket: "where inputs and outputs are kept",
      secret: "the ARN of the secret with DATABASE_URL and Hearth's two keys",
    },
    wanted: lambdaResources,
    open: async ({ region }) => {
      const { LambdaDeployer } = await import("../../platforms/lambda/deployer.ts");
      return LambdaDeployer.open({ region }, patience);
    },
  },
  "cloud-run": {
    place: { project: "the id of the project" },
    wanted: cloudRunResources,
    open: async ({ region, place: { project = "" } }) => {
      const { CloudRunDeployer } = await import("../../platforms/cloud-run/deployer.ts");
      return CloudRunDeployer.open({ projectId: project }, { project, region }, patience);
    },
  },
  "container-apps": {
    place: {
      subscriptionId: "the subscription",
      resourceGroup: "where the job is made",
      environment: "the id of an environment that is there",
      workloadProfile: "the name of its GPU profile",
      tokenSecretUrl: "the Key Vault secret that holds the token",
    },
    wanted: containerAppsResources,
    open: async ({ place: { subscriptionId = "", resourceGroup = "" } }) => {
      const { ContainerAppsDeployer } = await import("../../platforms/container-apps/deployer.ts");
      return ContainerAppsDeployer.open(null, {}, { subscriptionId, resourceGroup }, patience);
    },
  },
  modal: {
    place: { "environment?": "of Modal; default: the one of the profile" },
    wanted: modalResources,
    open: async ({ place: { environment: modalEnvironment = null } }, environment) => {
      const { ModalDeployer } = await import("../../platforms/modal/deployer.ts");
      const access = {
        tokenId: credential("modal", "MODAL_TOKEN_ID", environment),
        tokenSecret: credential("modal", "MODAL_TOKEN_SECRET", environment),
      };
      const command = (environment["HEARTH_MODAL_PROGRAM"] ?? "modal").split(" ");
      const program = { command, variables: environment };
      return ModalDeployer.open({ access, environment: modalEnvironment, program, patience });
    },
  },
  local: {
    place: {},
    wanted: localResources,
    open: async ({ dataDir }) => {
      const { LocalDeployer } = await import("../../platforms/local/deployer.ts");
      return new LocalDeployer(workersFolder(dataDir));
    },
  },
  kubernetes: {
    place: {
      "context?": "of the kubeconfig; default: the current one",
      "scaling?": "jobs (default), keda or hpa",
      "gpuResource?": "nvidia.com/gpu (default), a MIG slice, or what time-slicing calls a share",
    },
    wanted: kubernetesResources,
    open: async ({ place: { context = null } }) => {
      const { KubernetesDeployer } = await import("../../platforms/kubernetes/deployer.ts");
      return KubernetesDeployer.open({ kind: "default", context }, patience);
    },
  },
};

/** Errors: `usage` naming the platforms that there are. */
export function deployPlatform(name: string): DeployPlatform {
  const found = Object.hasOwn(platforms, name) ? platforms[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(platforms).join(", ");
  throw new CliFailure("usage", `Nothing is applied to ${name}; there are ${known}.`);
}

/** Errors: `usage` naming what is missing or unknown. */
export function checkPlace(name: string, place: Place): void {
  const { place: keys } = deployPlatform(name);
  for (const [key, what] of Object.entries(keys)) {
    if (key.endsWith("?") || place[key] !== undefined) continue;
    throw new CliFailure("usage", `${name} needs --place ${key}=…: ${what}.`);
  }
  for (const key of Object.keys(place)) {
    if (keys[key] !== undefined || keys[`${key}?`] !== undefined) continue;
    const known = Object.keys(keys).map((each) => each.replace("?", ""));
    const there = known.length === 0 ? "none" : known.join(", ");
    throw new CliFailure("usage", `${name} knows no --place ${key}; there are ${there}.`);
  }
}

/** Loads the platform's client. Errors: `config_invalid` naming what is missing. */
export async function openDeployer(
  name: string,
  where: Where,
  environment: Io["environment"],
): Promise<Deployer> {
  try {
    return await deployPlatform(name).open(where, environment);
  } catch (thrown) {
    if (thrown instanceof HearthError || thrown instanceof CliFailure) throw thrown;
    throw missingPackage(name, name, thrown) ?? thrown;
  }
}
