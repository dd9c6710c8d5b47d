import type { Clock } from "../kernel/clock.ts";
import { HearthError, errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { Platform } from "../platforms/platform.ts";
import type { Store } from "../store/store.ts";
import {
  decideFleet,
  listGraceMs,
  maxPendingMs,
  type DesiredPool,
  type FleetCommand,
  type LaunchHistory,
} from "./fleet.ts";
import { hardwareNews } from "./hardware.ts";
import { SilenceWatch } from "./silence.ts";

export interface ReconcilerOptions {
  readonly store: Store;
  readonly platform: Platform;
  readonly desired: readonly DesiredPool[];
  /** How workers reach the gateway. */
  readonly gatewayUrl: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** A new version-7 UUID. */
  readonly newId: () => string;
  readonly mintToken: () => { readonly token: string; readonly tokenHash: Uint8Array };
  readonly silentMs: number;
}

/** A launch that takes longer has failed anyway. */
const enrollmentValidMs = maxPendingMs + 60_000;

/** Keeps the instances of one platform as they are recorded and wanted. */
export class Reconciler {
  private readonly options: ReconcilerOptions;
  private readonly silence: SilenceWatch;
  private readonly history = new Map<number, LaunchHistory>();

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
      const pools = desired.filter((pool) => pool.platform === platform.name);
      const { history } = this;
      const launchGraceMs = this.launchGraceMs();
      const snapshot = { nowMs, rows, statuses, launchGraceMs, silentIds, desired: pools, history };
      for (const command of decideFleet(snapshot)) {
        const { pool, ...fields } = { pool: undefined, ...command };
        const deployment = pool?.deployment;
        logger.info({ platform: platform.name, deployment, ...fields }, "fleet");
        await this.act(command);
      }
    } catch (thrown) {
      this.silence.reset();
      throw thrown;
    }
  }

  private async act(command: FleetCommand): Promise<void> {
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
      case "retire":
        this.note(command.deploymentId, command.isShortLife);
        return store.control.retireInstance(command.instanceId);
    }
  }

  /** The row comes first, so that nothing ever runs that nobody has written down. */
  private async launch(pool: DesiredPool): Promise<void> {
    const { store, platform, gatewayUrl, clock, newId, mintToken, logger } = this.options;
    const { deploymentId, deployment } = pool;
    const id = newId();
    const { token, tokenHash } = mintToken();
    const shortLives = this.history.get(deploymentId)?.shortLives ?? 0;
    this.history.set(deploymentId, { shortLives, lastLaunchAtMs: clock.now() });
    await store.control.createInstance({ id, deploymentId, platform: platform.name });
    await store.workers.createEnrollment({
      tokenHash,
      deploymentId,
      instanceId: id,
      validMs: enrollmentValidMs,
    });
    const workerName = `${deployment}-${id.slice(-6)}`;
    const spec = { clientToken: id, deployment, gatewayUrl, enrollmentToken: token, workerName };
    try {
      const { externalId } = await platform.launch(spec);
      // What others run may wait for capacity first; their list says when it no longer does.
      const state = platform.reach === "host" ? "running" : "launching";
      await store.control.updateInstance(id, state, externalId);
    } catch (thrown) {
      logger.warn({ instanceId: id, error: errorMessage(thrown) }, "launch without an instance");
      // Otherwise the reply may be lost and the instance there: a later pass confirms or retires it.
      if (!isDefinite(thrown)) return;
      this.note(deploymentId, true);
      await store.control.retireInstance(id);
    }
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

/** Whether nothing was launched for sure. */
function isDefinite(thrown: unknown): boolean {
  return thrown instanceof HearthError && definiteCodes.has(thrown.code);
}

const definiteCodes: ReadonlySet<string> = new Set([
  "platform_capacity",
  "platform_quota",
  "platform_refused",
]);
