import type { ECSClientConfig } from "@aws-sdk/client-ecs";

import type { CallPatience } from "../calls.ts";
import type {
  Hardware,
  InstanceStatus,
  KnownInstance,
  LaunchSpec,
  Platform,
  PlatformCapabilities,
} from "../platform.ts";
import { EcsClient } from "./client.ts";
import { statusOf, type EcsPlace } from "./map.ts";

export interface EcsOptions extends EcsPlace {
  readonly name: string;
  readonly patience: CallPatience;
  /** Region, endpoint and credentials; by default the AWS SDK's own chain. */
  readonly client: ECSClientConfig;
}

const capabilities: PlatformCapabilities = {
  scaleToZero: { supported: true },
  gpu: { supported: true },
  spot: { supported: true },
  outlivesController: { supported: true },
  asksToLeave: { supported: true },
  listsStrangers: { supported: true },
  tellsPending: { supported: true },
  namesHardware: { supported: true },
};

/** Amazon ECS on instances with GPUs: one task an instance of ours. Fargate has no GPUs. */
export class EcsPlatform implements Platform {
  readonly name: string;
  readonly kind = "ecs";
  readonly reach = "everywhere";
  readonly control = "launch";
  readonly capabilities = capabilities;
  readonly offer: Hardware;
  /** A new EC2 machine, its image and the models take minutes. */
  readonly startMs = 900_000;
  private readonly place: EcsPlace;
  private readonly client: EcsClient;

  private constructor(options: EcsOptions, client: EcsClient) {
    this.name = options.name;
    this.offer = options.offer;
    this.place = options;
    this.client = client;
  }

  static async open(options: EcsOptions): Promise<EcsPlatform> {
    const client = await EcsClient.open(options.client, options, options.patience);
    return new EcsPlatform(options, client);
  }

  async launch(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    return { externalId: await this.client.runTask(spec) };
  }

  /** ECS sends SIGTERM, and SIGKILL after the task definition's `stopTimeout`. */
  terminate(externalId: string): Promise<void> {
    return this.client.stopTask(externalId);
  }

  /** Tasks that are stopping are no longer listed by ECS; those on record are asked for by name. */
  async list(known: readonly KnownInstance[]): Promise<readonly InstanceStatus[]> {
    const recorded = known.flatMap(({ externalId }) => (externalId === null ? [] : [externalId]));
    const arns = new Set([...(await this.client.runningTaskArns()), ...recorded]);
    const tasks = await this.client.describeTasks([...arns]);
    const types = await this.client.machineTypesOf(tasks);
    return tasks.flatMap((task) => {
      const status = statusOf(task, this.place, types.get(task.containerInstanceArn ?? ""));
      return status === undefined ? [] : [status];
    });
  }
}
