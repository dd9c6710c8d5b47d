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
import { CloudRunClient, type CloudRunClientOptions } from "./client.ts";
import { statusOf, type CloudRunPlace } from "./map.ts";

export interface CloudRunOptions extends CloudRunPlace {
  readonly name: string;
  readonly patience: CallPatience;
  /** By default Google's own application credentials. */
  readonly client: CloudRunClientOptions;
}

const capabilities: PlatformCapabilities = {
  scaleToZero: { supported: true },
  gpu: { supported: true },
  spot: { supported: false, reason: "Cloud Run has one price and no preemptible instances." },
  outlivesController: { supported: true },
  asksToLeave: { supported: true },
  listsStrangers: { supported: true },
  tellsPending: { supported: true },
  namesHardware: { supported: true },
};

/** Google Cloud Run: one execution of a job with a GPU an instance of ours. */
export class CloudRunPlatform implements Platform {
  readonly name: string;
  readonly kind = "cloud-run";
  readonly reach = "everywhere";
  readonly control = "launch";
  readonly capabilities = capabilities;
  readonly offer: Hardware;
  readonly startMs = 600_000;
  private readonly place: CloudRunPlace;
  private readonly client: CloudRunClient;
  private readonly launches = new Launches();

  private constructor(options: CloudRunOptions, client: CloudRunClient) {
    this.name = options.name;
    this.offer = options.offer;
    this.place = options;
    this.client = client;
  }

  static async open(options: CloudRunOptions): Promise<CloudRunPlatform> {
    const client = await CloudRunClient.open(options.client, options, options.patience);
    return new CloudRunPlatform(options, client);
  }

  /** Cloud Run knows no client tokens, so what runs is looked at first. */
  launch(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    return this.launches.ever(spec.clientToken, async () => {
      const running = (await this.list([])).find((one) => one.clientToken === spec.clientToken);
      return { externalId: running?.externalId ?? (await this.client.runJob(spec)) };
    });
  }

  /** Cloud Run sends SIGTERM, and SIGKILL ten seconds later. */
  terminate(externalId: string): Promise<void> {
    return this.client.cancel(externalId);
  }

  async list(_known: readonly KnownInstance[]): Promise<readonly InstanceStatus[]> {
    const executions = await this.client.listExecutions();
    return executions.flatMap((execution) => statusOf(execution, this.place) ?? []);
  }
}
