import { decideScale } from "../../autoscaler/decide-scale.ts";
import type { ScaleCommand } from "../../autoscaler/decision.ts";
import { scalingSettingsSchema } from "../../autoscaler/settings.ts";
import { errorMessage } from "../../kernel/errors.ts";
import type { Platform } from "../../platforms/platform.ts";
import type { InstanceObservation, ScalingRecord } from "../../store/scaling.ts";
import { launchRecorded, type LaunchParts } from "../launch.ts";
import { DecisionLog } from "./decision-log.ts";
import { idOf } from "./fleet-view.ts";
import { observe, type DeploymentObservation, type ScaledDeployment } from "./observe.ts";
import { ScaleWatch } from "./watch.ts";

export interface ScalerOptions extends LaunchParts {
  /** Those that this process may launch on. */
  readonly platforms: readonly Platform[];
  /** All-in, of one instance. */
  readonly priceMicroUsdPerHour: (platform: Platform) => number;
}

const rememberIntervalMs = 30_000;

/** Observes, decides and acts for every deployment with scaling settings. */
export class Scaler {
  private readonly options: ScalerOptions;
  private readonly watch: ScaleWatch;
  private readonly log: DecisionLog;
  private rememberedAtMs = -Infinity;

  constructor(options: ScalerOptions) {
    this.options = options;
    this.watch = new ScaleWatch(options.store);
    this.log = new DecisionLog(options.store, options.logger);
  }

  async pass(): Promise<void> {
    const { store } = this.options;
    const deployments = this.own(await store.scaling.list());
    if (deployments.length === 0) return;
    const observations = await observe(store, this.watch, deployments, this.options);
    const acting = observations.map((observation) => this.decide(observation));
    await Promise.all(acting);
    await this.remember(observations);
  }

  /** Deployments of which every platform named is held here; bad settings are said and left alone. */
  private own(records: readonly ScalingRecord[]): readonly ScaledDeployment<Platform>[] {
    return records.flatMap((record) => {
      const parsed = scalingSettingsSchema.safeParse(record.settings);
      if (!parsed.success) {
        const { deployment } = record;
        this.options.logger.error({ deployment }, "its scaling settings cannot be read");
        return [];
      }
      const names = parsed.data.platforms;
      const platforms = this.options.platforms.filter(({ name }) => names?.includes(name) ?? true);
      if (platforms.length === 0) return [];
      return [{ record, settings: parsed.data, platforms }];
    });
  }

  private async decide(observation: DeploymentObservation<Platform>): Promise<void> {
    const { deployment, snapshot } = observation;
    const { deploymentId, deployment: name } = deployment.record;
    const decision = decideScale(snapshot);
    try {
      await this.log.record(deploymentId, name, snapshot, decision);
      await this.act(observation, decision.commands);
    } catch (thrown) {
      const fields = { deployment: name, error: errorMessage(thrown) };
      this.options.logger.warn(fields, "a scaling decision could not be carried out");
    }
  }

  private async act(
    observation: DeploymentObservation<Platform>,
    commands: readonly ScaleCommand[],
  ): Promise<void> {
    let present = observation.instances.filter(isFirstOfInstance).length;
    const launches: Promise<unknown>[] = [];
    for (const command of commands) {
      if (command.action === "drain") {
        await this.drain(observation.instances, command.workerId);
        continue;
      }
      const platform = observation.deployment.platforms.find(({ name }) => name === command.offer);
      if (platform === undefined) continue;
      for (let index = 0; index < command.count; index++) {
        const launch = await this.launch(observation, platform, present);
        if (launch === undefined) return void (await Promise.all(launches));
        launches.push(launch.done);
        present++;
      }
    }
    await Promise.all(launches);
  }

  /** Undefined: another controller has launched meanwhile, so this decision is out of date. */
  private async launch(
    { deployment }: DeploymentObservation<Platform>,
    platform: Platform,
    present: number,
  ): Promise<{ readonly done: Promise<unknown> } | undefined> {
    const { store, newId, logger } = this.options;
    const { deploymentId, deployment: name } = deployment.record;
    const id = newId();
    const row = { id, deploymentId, platform: platform.name };
    if (!(await store.scaling.createInstance(row, present))) {
      logger.info({ deployment: name }, "the fleet has changed meanwhile; no launch");
      return undefined;
    }
    return { done: launchRecorded(this.options, platform, { id, deploymentId, deployment: name }) };
  }

  /** Its workers finish what they have and leave; nothing is killed. */
  private async drain(instances: readonly InstanceObservation[], id: string): Promise<void> {
    for (const row of instances) {
      if (idOf(row) !== id || row.workerId === null) continue;
      await this.options.store.workers.markDraining(row.workerId);
    }
  }

  private async remember(observations: readonly DeploymentObservation[]): Promise<void> {
    const nowMs = observations[0]?.snapshot.nowMs ?? 0;
    if (nowMs < this.rememberedAtMs + rememberIntervalMs) return;
    this.rememberedAtMs = nowMs;
    for (const { deployment, memory } of observations) {
      await this.options.store.scaling.remember(deployment.record.deploymentId, memory);
    }
  }
}

/** Instances with several workers have several rows. */
function isFirstOfInstance(
  row: InstanceObservation,
  index: number,
  rows: readonly InstanceObservation[],
): boolean {
  if (row.instanceId === null) return false;
  return rows.findIndex(({ instanceId }) => instanceId === row.instanceId) === index;
}
