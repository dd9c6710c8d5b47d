import { setTimeout as delay } from "node:timers/promises";

import type { PlatformSettings, SettingsOf } from "../../config/platform-settings.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { CallPatience } from "../../platforms/calls.ts";
import type { Hardware, Platform } from "../../platforms/platform.ts";
import type { Io } from "../output.ts";
import { systemClock } from "../system.ts";

type Environment = Io["environment"];

export const patience: CallPatience = {
  clock: systemClock,
  random: Math.random,
  sleep: (ms) => delay(ms),
};

/** The platforms of the settings. Errors: `config_invalid` naming a variable that is missing. */
export function openPlatforms(
  settings: Readonly<Record<string, PlatformSettings>>,
  environment: Environment,
): Promise<readonly Platform[]> {
  const opening = Object.entries(settings).map(([name, each]) =>
    openPlatform(name, each, environment),
  );
  return Promise.all(opening);
}

/** Loads the adapter and its vendor's client, and nothing of the other platforms. */
export async function openPlatform(
  name: string,
  settings: PlatformSettings,
  environment: Environment,
): Promise<Platform> {
  try {
    return await open(name, settings, environment);
  } catch (thrown) {
    throw missingPackage(name, settings.kind, thrown) ?? thrown;
  }
}

async function open(
  name: string,
  settings: PlatformSettings,
  environment: Environment,
): Promise<Platform> {
  const base = { name, patience, offer: hardwareOf(settings) };
  switch (settings.kind) {
    case "runpod":
      return openRunpod(base, settings, environment);
    case "modal":
      return openModal(base, settings, environment);
    case "ecs": {
      const { EcsPlatform } = await import("../../platforms/ecs/platform.ts");
      return EcsPlatform.open({ ...settings, ...base, client: { region: settings.region } });
    }
    case "cloud-run": {
      const { CloudRunPlatform } = await import("../../platforms/cloud-run/platform.ts");
      return CloudRunPlatform.open({
        ...settings,
        ...base,
        location: settings.region,
        client: { projectId: settings.project },
      });
    }
    case "container-apps": {
      const { ContainerAppsPlatform } = await import("../../platforms/container-apps/platform.ts");
      return ContainerAppsPlatform.open({ ...settings, ...base, credential: null, client: {} });
    }
    case "kubernetes": {
      const { KubernetesPlatform } = await import("../../platforms/kubernetes/platform.ts");
      const access = { kind: "default", context: settings.context } as const;
      const { kind: _, context: __, gpu: ___, region: ____, isSpot: _____, ...place } = settings;
      return KubernetesPlatform.open({ ...place, ...base, access });
    }
    case "command": {
      const { CommandPlatform } = await import("../../platforms/command/platform.ts");
      return new CommandPlatform({ ...settings, ...base, environment });
    }
  }
}

interface Base {
  readonly name: string;
  readonly patience: CallPatience;
  readonly offer: Hardware;
}

async function openRunpod(
  base: Base,
  settings: SettingsOf<"runpod">,
  environment: Environment,
): Promise<Platform> {
  const { RunpodPlatform } = await import("../../platforms/runpod/platform.ts");
  const { endpointId, maxRunMs, minWorkers: min, maxWorkers: max } = settings;
  const workers = { min, max, idleTimeout: settings.idleTimeoutSeconds };
  const access = { apiKey: credential(base.name, "RUNPOD_API_KEY", environment) };
  return RunpodPlatform.open({ ...base, endpointId, maxRunMs, workers, access });
}

async function openModal(
  base: Base,
  settings: SettingsOf<"modal">,
  environment: Environment,
): Promise<Platform> {
  const { ModalPlatform } = await import("../../platforms/modal/platform.ts");
  const { app, function: name, environment: place, maxContainers, scaledownWindowMs } = settings;
  return ModalPlatform.open({
    ...base,
    app,
    function: name,
    environment: place,
    autoscaler: { minContainers: 0, bufferContainers: 0, maxContainers, scaledownWindowMs },
    access: {
      tokenId: credential(base.name, "MODAL_TOKEN_ID", environment),
      tokenSecret: credential(base.name, "MODAL_TOKEN_SECRET", environment),
    },
  });
}

function hardwareOf({ gpu, region, isSpot }: PlatformSettings): Hardware {
  return { gpu, region, isSpot };
}

export function credential(platform: string, variable: string, environment: Environment): string {
  const value = environment[variable];
  if (value !== undefined && value !== "") return value;
  const message = `The platform ${platform} needs ${variable} in the environment.`;
  throw new HearthError("config_invalid", { message, details: { variable } });
}

/** The vendors' clients are optional: whoever uses a platform installs its own. */
export function missingPackage(
  name: string,
  kind: string,
  thrown: unknown,
): HearthError | undefined {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: string };
  const [, missing] = /Cannot find package '([^']+)'/u.exec(message ?? "") ?? [];
  if (code !== "ERR_MODULE_NOT_FOUND" || missing === undefined) return undefined;
  return new HearthError("config_invalid", {
    message: `The platform ${name} (${kind}) needs a package: npm install ${missing}.`,
    details: { package: missing },
    cause: thrown,
  });
}
