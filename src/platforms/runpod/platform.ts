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
import { RunpodClient, type RunpodAccess } from "./client.ts";
import { driftOf, settableOf, statusOf, type JobReport, type RunpodPlace } from "./map.ts";

export interface RunpodOptions extends RunpodPlace {
  readonly name: string;
  readonly access: RunpodAccess;
  readonly patience: CallPatience;
}

const capabilities: PlatformCapabilities = {
  scaleToZero: { supported: true },
  gpu: { supported: true },
  spot: {
    supported: false,
    reason: "RunPod Serverless has one price; its spot machines are pods.",
  },
  outlivesController: { supported: true },
  asksToLeave: {
    supported: false,
    reason: "RunPod ends a job at once when it is cancelled, so workers are drained before.",
  },
  listsStrangers: {
    supported: false,
    reason: "RunPod has no list of jobs; those on record are asked for one by one.",
  },
  tellsPending: { supported: true },
  namesHardware: { supported: true },
};

/** RunPod's management API counts requests by the minute. */
const gpuLookMs = 30_000;
const maxKnownGpus = 1_000;

/** RunPod Serverless: each instance is a job on a queue endpoint that ends when its agent leaves. */
export class RunpodPlatform implements Platform {
  readonly name: string;
  readonly kind = "runpod";
  readonly reach = "everywhere";
  readonly control = "launch";
  readonly capabilities = capabilities;
  readonly offer: Hardware;
  readonly startMs = 600_000;
  private readonly place: RunpodPlace;
  private readonly client: RunpodClient;
  private readonly patience: CallPatience;
  private readonly launches = new Launches();
  private gpuTypes: ReadonlyMap<string, string> = new Map();
  private lookedAtMs = -Infinity;

  private constructor(options: RunpodOptions, client: RunpodClient) {
    this.name = options.name;
    this.offer = options.offer;
    this.place = options;
    this.client = client;
    this.patience = options.patience;
  }

  static async open(options: RunpodOptions): Promise<RunpodPlatform> {
    const { access, patience } = options;
    return new RunpodPlatform(options, await RunpodClient.open(access, options, patience));
  }

  launch(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    return this.launches.ever(spec.clientToken, async () => ({
      externalId: await this.client.run(spec),
    }));
  }

  terminate(externalId: string): Promise<void> {
    return this.client.cancel(externalId);
  }

  async list(known: readonly KnownInstance[]): Promise<readonly InstanceStatus[]> {
    const named = known.filter(hasName);
    const reports = await askEach(named, (one) => this.client.status(one.externalId));
    await this.lookForGpus(reports);
    return named.flatMap((one, at) => statusOf(one, reports[at], this.place, this.gpuTypes) ?? []);
  }

  async check(): Promise<void> {
    await this.client.endpointWorkers();
  }

  async correctDrift(): Promise<DriftReport> {
    const found = await this.client.endpointWorkers();
    const drift = driftOf(found, this.place);
    if (drift === undefined) return [];
    await this.client.setEndpointWorkers(settableOf(found, this.place.workers));
    return [drift];
  }

  private async lookForGpus(reports: readonly (JobReport | undefined)[]): Promise<void> {
    const isUnknown = reports.some(
      (report) => report?.workerId !== undefined && !this.gpuTypes.has(report.workerId),
    );
    const nowMs = this.patience.clock.now();
    if (!isUnknown || nowMs - this.lookedAtMs < gpuLookMs) return;
    this.lookedAtMs = nowMs;
    const merged = [...this.gpuTypes, ...(await this.client.gpuTypes())];
    this.gpuTypes = new Map(merged.slice(-maxKnownGpus));
  }
}
