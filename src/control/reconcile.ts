import type { Clock } from "../kernel/clock.ts";
import { errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { Platform } from "../platforms/platform.ts";
import type { Store } from "../store/store.ts";
import { decideFleet, type DesiredPool, type FleetCommand, type LaunchHistory } from "./fleet.ts";
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
const enrollmentValidMs = 900_000;

/** Keeps the instances of one platform as they are recorded and wanted. */
export class Reconciler {
  private readonly options: ReconcilerOptions;
  private readonly silence: SilenceWatch;
  private readonly history = new Map<number, LaunchHistory>();

  constructor(options: ReconcilerOptions) {
    this.options = options;
    this.silence = new SilenceWatch(options.silentMs);
  }

  async pass(): Promise<void> {
    const { store, platform, desired, clock, logger } = this.options;
    try {
      const rows = await store.control.listInstances(platform.name);
      // The rows first: an instance that is launched in between is no stray then.
      const statuses = await platform.list();
      const workers = await store.workers.list();
      const nowMs = clock.now();
      const running = rows.filter((row) => row.state === "running");
      const silentIds = this.silence.observe(running, workers, nowMs);
      const pools = desired.filter((pool) => pool.platform === platform.name);
      const { history } = this;
      const snapshot = { nowMs, rows, statuses, silentIds, desired: pools, history };
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
      await store.control.updateInstance(id, "running", externalId);
    } catch (thrown) {
      // The reply may be lost and the instance there: a later pass confirms or retires the row.
      logger.warn({ instanceId: id, error: errorMessage(thrown) }, "launch without an answer");
    }
  }

  private note(deploymentId: number, isShortLife: boolean): void {
    const before = this.history.get(deploymentId);
    const lastLaunchAtMs = before?.lastLaunchAtMs ?? 0;
    const shortLives = isShortLife ? (before?.shortLives ?? 0) + 1 : 0;
    this.history.set(deploymentId, { shortLives, lastLaunchAtMs });
  }
}
