import type { DeployTarget, Wanted } from "../../deploy/plan/resource.ts";
import { kubernetesResources } from "../../deploy/resources/kubernetes.ts";
import { runpodResources } from "../../deploy/resources/runpod.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { Deployer } from "../../platforms/deployer.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { credential, missingPackage, patience } from "../platforms/open.ts";

type Place = Readonly<Record<string, string>>;

/** A platform that releases can be applied to. */
export interface DeployPlatform {
  /** What only the operator knows, with what it is; `?` at the end of a key: it may lack. */
  readonly place: Readonly<Record<string, string>>;
  readonly wanted: (target: DeployTarget) => Wanted;
  readonly open: (place: Place, environment: Io["environment"]) => Promise<Deployer>;
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
  kubernetes: {
    place: {
      "context?": "of the kubeconfig; default: the current one",
      "scaling?": "jobs (default), keda or hpa",
    },
    wanted: kubernetesResources,
    open: async ({ context = null }) => {
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
  place: Place,
  environment: Io["environment"],
): Promise<Deployer> {
  try {
    return await deployPlatform(name).open(place, environment);
  } catch (thrown) {
    if (thrown instanceof HearthError || thrown instanceof CliFailure) throw thrown;
    throw missingPackage(name, name, thrown) ?? thrown;
  }
}
