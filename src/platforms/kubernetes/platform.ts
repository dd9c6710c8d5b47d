import { createHash } from "node:crypto";

import type { CallPatience } from "../calls.ts";
import type {
  Hardware,
  InstanceStatus,
  KnownInstance,
  LaunchSpec,
  Platform,
  PlatformCapabilities,
} from "../platform.ts";
import { KubernetesClient, type KubernetesAccess } from "./client.ts";
import { jobName, jobOf, labels, statusOf, type KubernetesPlace } from "./map.ts";

export interface KubernetesOptions extends KubernetesPlace {
  readonly name: string;
  readonly access: KubernetesAccess;
  readonly patience: CallPatience;
}

const capabilities: PlatformCapabilities = {
  scaleToZero: { supported: true },
  gpu: { supported: true },
  spot: { supported: true },
  outlivesController: { supported: true },
  asksToLeave: { supported: true },
  listsStrangers: { supported: true },
  tellsPending: { supported: true },
  namesHardware: {
    supported: false,
    reason: "The node selector decides which GPU a pod gets; give it with the platform's settings.",
  },
};

/** A Job for each worker: Jobs are never scaled down in the middle of their work. */
export class KubernetesPlatform implements Platform {
  readonly name: string;
  readonly kind = "kubernetes";
  readonly reach = "everywhere";
  readonly control = "launch";
  readonly capabilities = capabilities;
  readonly offer: Hardware;
  /** A cluster autoscaler may have to add the node first. */
  readonly startMs = 900_000;
  private readonly place: KubernetesPlace;
  private readonly client: KubernetesClient;
  private readonly specHash: string;

  private constructor(options: KubernetesOptions, client: KubernetesClient) {
    const { name, access: _, patience: __, ...place } = options;
    this.name = name;
    this.offer = options.offer;
    this.place = place;
    this.client = client;
    this.specHash = createHash("sha256").update(JSON.stringify(place)).digest("hex").slice(0, 16);
  }

  static async open(options: KubernetesOptions): Promise<KubernetesPlatform> {
    const { access, namespace, patience } = options;
    return new KubernetesPlatform(
      options,
      await KubernetesClient.open(access, namespace, patience),
    );
  }

  async launch(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    await this.client.createJob(jobOf(this.place, spec, this.specHash));
    return { externalId: jobName(spec.clientToken) };
  }

  /** Kubernetes sends SIGTERM, and SIGKILL after the pod's grace period. */
  terminate(externalId: string): Promise<void> {
    return this.client.deleteJob(externalId);
  }

  async list(_known: readonly KnownInstance[]): Promise<readonly InstanceStatus[]> {
    const jobs = await this.client.listJobs(`${labels.owner}=${this.place.owner}`);
    return jobs.flatMap((job) => statusOf(job, this.place, this.specHash) ?? []);
  }
}
