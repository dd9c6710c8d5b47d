import type { Platform } from "../platforms/platform.ts";
import type { InstanceRecord } from "../store/control.ts";
import type { WorkerRecord } from "../store/workers.ts";
import {
  decideFleet,
  listGraceMs,
  type DesiredPool,
  type FleetCommand,
  type LaunchHistory,
} from "./fleet.ts";
import { hardwareNews } from "./hardware.ts";
import { launchRecorded, type LaunchParts } from "./launch.ts";
import { SilenceWatch } from "./silence.ts";

export interface ReconcilerOptions extends LaunchParts {
  readonly platform: Platform;
  /** Of deployments that are not scaled. */
  readonly desired: readonly DesiredPool[];
  readonly silentMs: number;
}

/** Keeps the instances of one platform as they are recorded and wanted. */
export class Reconciler {
  private readonly options: ReconcilerOptions;
  private readonly silence: SilenceWatch;
  private readonly history = new Map<number, LaunchHistory>();
  private readonly drainingSinceMs = new Map<string, number>();

  constructor(options: ReconcilerOptions) {
    this.options = options;
    this.silence = new SilenceWatch(options.silentMs, options.platform.startMs);
  }

  async pass(): Promise<void> {
    const { store, platform, desired, clock, logger } = this.options;
    try {
      const rows = await store.control.listInstances(platform.name);
      // The rows first: an instance that is launched in between is no stray then.
      const statuses = await platform.list(
        rows.map(({ id, externalId }) => ({ clientToken: id, externalId })),
      );
      const workers = await store.workers.list();
      const nowMs = clock.now();
      for (const news of hardwareNews(rows, statuses)) {
        await store.control.noteHardware(news.instanceId, news.hardware);
      }
      const pending = new Set(
        statuses.flatMap((one) => (one.state === "pending" ? [one.externalId] : [])),
      );
      const running = rows.filter(
        (row) => row.state === "running" && !pending.has(row.externalId ?? ""),
      );
      const silentIds = this.silence.observe(running, workers, nowMs);
      const scaled = new Set((await store.scaling.list()).map(({ deploymentId }) => deploymentId));
      const pools = desired.filter(
        (pool) => pool.platform === platform.name && !scaled.has(pool.deploymentId),
      );
      const { history } = this;
      const launchGraceMs = this.launchGraceMs();
      const base = { nowMs, rows, statuses, launchGraceMs, silentIds, desired: pools, history };
      const snapshot = platform.capabilities.asksToLeave.supported
        ? base
        : { ...base, drains: { mannedIds: manned(workers), sinceMs: this.drainingSinceMs } };
      this.forgetDrained(rows);
      for (const command of decideFleet(snapshot)) {
        const { pool, ...fields } = { pool: undefined, ...command };
        const deployment = pool?.deployment;
        logger.info({ platform: platform.name, deployment, ...fields }, "fleet");
        await this.act(command, workers);
      }
    } catch (thrown) {
      this.silence.reset();
      throw thrown;
    }
  }

  private async act(command: FleetCommand, workers: readonly WorkerRecord[]): Promise<void> {
    const { store, platform } = this.options;
    switch (command.action) {
      case "launch":
        return this.launch(command.pool);
      case "confirm":
        return store.control.updateInstance(command.instanceId, "running", command.externalId);
      case "terminate":
        if (command.instanceId !== null) {
          await store.control.updateInstance(command.instanceId, "terminating", command.externalId);
        }
        return platform.terminate(command.externalId);
      case "drain":
        await store.control.updateInstance(command.instanceId, "terminating", command.externalId);
        return this.drain(command.instanceId, workers);
      case "retire":
        this.note(command.deploymentId, command.isShortLife);
        return store.control.retireInstance(command.instanceId);
    }
  }

  private async drain(instanceId: string, workers: readonly WorkerRecord[]): Promise<void> {
    const { store, clock } = this.options;
    const since = this.drainingSinceMs.get(instanceId) ?? clock.now();
    this.drainingSinceMs.set(instanceId, since);
    for (const worker of workers) {
      if (worker.instanceId === instanceId) await store.workers.markDraining(worker.id);
    }
  }

  private forgetDrained(rows: readonly InstanceRecord[]): void {
    const present = new Set(rows.map(({ id }) => id));
    for (const id of this.drainingSinceMs.keys()) {
      if (!present.has(id)) this.drainingSinceMs.delete(id);
    }
  }

  private async launch(pool: DesiredPool): Promise<void> {
    const { store, platform, clock, newId } = this.options;
    const { deploymentId, deployment } = pool;
    const id = newId();
    const shortLives = this.history.get(deploymentId)?.shortLives ?? 0;
    this.history.set(deploymentId, { shortLives, lastLaunchAtMs: clock.now() });
    await store.control.createInstance({ id, deploymentId, platform: platform.name });
    const outcome = await launchRecorded(this.options, platform, { id, deploymentId, deployment });
    if (outcome === "refused") this.note(deploymentId, true);
  }

  /** Where nobody can list it, it may be on its way for as long as a start takes. */
  private launchGraceMs(): number {
    const { capabilities, startMs } = this.options.platform;
    return capabilities.listsStrangers.supported ? listGraceMs : Math.max(listGraceMs, startMs);
  }

  private note(deploymentId: number, isShortLife: boolean): void {
    const before = this.history.get(deploymentId);
    const lastLaunchAtMs = before?.lastLaunchAtMs ?? 0;
    const shortLives = isShortLife ? (before?.shortLives ?? 0) + 1 : 0;
    this.history.set(deploymentId, { shortLives, lastLaunchAtMs });
  }
}

/** Instances with workers. */
function manned(workers: readonly WorkerRecord[]): ReadonlySet<string> {
  return new Set(workers.flatMap(({ instanceId }) => (instanceId === null ? [] : [instanceId])));
}
