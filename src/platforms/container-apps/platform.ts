import type { CallPatience } from "../calls.ts";
import { Launches } from "../launches.ts";
import type {
  Hardware,
  InstanceStatus,
  KnownInstance,
  LaunchSpec,
  Platform,
  PlatformCapabilities,
} from "../platform.ts";
import { ContainerAppsClient, type AzureClientOptions, type AzureCredential } from "./client.ts";
import { statusOf, type ContainerAppsPlace } from "./map.ts";

export interface ContainerAppsOptions extends ContainerAppsPlace {
  readonly name: string;
  readonly patience: CallPatience;
  /** Null: Azure's own chain of credentials. */
  readonly credential: AzureCredential | null;
  readonly client: AzureClientOptions;
}

const capabilities: PlatformCapabilities = {
  scaleToZero: { supported: true },
  gpu: { supported: true },
  spot: { supported: false, reason: "Container Apps has no spot instances with GPUs." },
  outlivesController: { supported: true },
  asksToLeave: { supported: true },
  listsStrangers: { supported: true },
  tellsPending: { supported: true },
  namesHardware: {
    supported: false,
    reason: "The workload profile of the job decides the GPU; give it with the settings.",
  },
};

/**
 * Azure Container Apps: one execution of a job on a GPU workload profile (T4 or A100) an instance
 * of ours. Azure Container Instances is no way around: its GPUs were retired in July 2025.
 */
export class ContainerAppsPlatform implements Platform {
  readonly name: string;
  readonly kind = "container-apps";
  readonly reach = "everywhere";
  readonly control = "launch";
  readonly capabilities = capabilities;
  readonly offer: Hardware;
  readonly startMs = 600_000;
  private readonly place: ContainerAppsPlace;
  private readonly client: ContainerAppsClient;
  private readonly launches = new Launches();
  private readonly asked = new Set<string>();

  private constructor(options: ContainerAppsOptions, client: ContainerAppsClient) {
    this.name = options.name;
    this.offer = options.offer;
    this.place = options;
    this.client = client;
  }

  static async open(options: ContainerAppsOptions): Promise<ContainerAppsPlatform> {
    const { credential, client, patience } = options;
    return new ContainerAppsPlatform(
      options,
      await ContainerAppsClient.open(credential, client, options, patience),
    );
  }

  /** Container Apps knows no client tokens, so what runs is looked at first. */
  launch(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    return this.launches.ever(spec.clientToken, async () => {
      const running = (await this.list([])).find((one) => one.clientToken === spec.clientToken);
      return { externalId: running?.externalId ?? (await this.client.start(spec)) };
    });
  }

  /** Azure sends SIGTERM, and SIGKILL thirty seconds later. */
  async terminate(externalId: string): Promise<void> {
    await this.client.stop(externalId);
    this.asked.add(externalId);
  }

  async list(_known: readonly KnownInstance[]): Promise<readonly InstanceStatus[]> {
    const executions = await this.client.listExecutions();
    const statuses = executions.flatMap((each) => statusOf(each, this.place, this.asked) ?? []);
    const present = new Set(statuses.map(({ externalId }) => externalId));
    for (const name of this.asked) if (!present.has(name)) this.asked.delete(name);
    return statuses;
  }
}
