import type { CallPatience } from "../calls.ts";
import { askEach, hasName } from "../known.ts";
import { Launches } from "../launches.ts";
import type {
  DriftReport,
  Hardware,
  InstanceStatus,
  KnownInstance,
  LaunchSpec,
  Platform,
  PlatformCapabilities,
} from "../platform.ts";
import { ModalClient, type ModalAccess } from "./client.ts";
import { driftOf, type ModalPlace } from "./map.ts";

export interface ModalOptions extends ModalPlace {
  readonly name: string;
  readonly access: ModalAccess;
  readonly patience: CallPatience;
}

const capabilities: PlatformCapabilities = {
  scaleToZero: { supported: true },
  gpu: { supported: true },
  spot: {
    supported: false,
    reason: "Every GPU function of Modal may be preempted, at one price.",
  },
  outlivesController: { supported: true },
  asksToLeave: {
    supported: false,
    reason: "Modal ends a call at once when it is cancelled, so workers are drained before.",
  },
  listsStrangers: {
    supported: false,
    reason: "Modal's client has no list of calls; those on record are asked for one by one.",
  },
  tellsPending: {
    supported: false,
    reason: "Modal does not tell a call that waits for a GPU from one that has it.",
  },
  namesHardware: {
    supported: false,
    reason: "Modal does not say which GPU a call got; pin A100-80GB or H100! to be sure.",
  },
};

/** Modal: each instance is a spawned call of a deployed function that ends when its agent leaves. */
export class ModalPlatform implements Platform {
  readonly name: string;
  readonly kind = "modal";
  readonly reach = "everywhere";
  readonly control = "launch";
  readonly capabilities = capabilities;
  readonly offer: Hardware;
  readonly startMs = 600_000;
  private readonly place: ModalPlace;
  private readonly client: ModalClient;
  private readonly launches = new Launches();

  private constructor(options: ModalOptions, client: ModalClient) {
    this.name = options.name;
    this.offer = options.offer;
    this.place = options;
    this.client = client;
  }

  static async open(options: ModalOptions): Promise<ModalPlatform> {
    const { access, patience } = options;
    return new ModalPlatform(options, await ModalClient.open(access, options, patience));
  }

  launch(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    return this.launches.ever(spec.clientToken, async () => ({
      externalId: await this.client.spawn(spec),
    }));
  }

  terminate(externalId: string): Promise<void> {
    return this.client.cancel(externalId);
  }

  async list(known: readonly KnownInstance[]): Promise<readonly InstanceStatus[]> {
    const named = known.filter(hasName);
    const live = await askEach(named, (one) => this.client.isLive(one.externalId));
    return named.flatMap(({ externalId, clientToken }, at) =>
      live[at] === true
        ? [{ externalId, clientToken, state: "running" as const, hardware: this.offer }]
        : [],
    );
  }

  async check(): Promise<void> {
    await this.client.settings();
  }

  async correctDrift(): Promise<DriftReport> {
    const drift = driftOf(await this.client.settings(), this.place);
    if (drift === undefined) return [];
    await this.client.setAutoscaler(this.place.autoscaler);
    return [drift];
  }

  close(): void {
    this.client.close();
  }
}
