import { policyOfSettings, type ScalingSettings } from "../../autoscaler/settings.ts";
import type { ScaleSnapshot } from "../../autoscaler/snapshot.ts";
import type { Platform } from "../../platforms/platform.ts";
import type {
  InstanceObservation,
  LaunchObservation,
  QueueObservation,
  ScalingRecord,
} from "../../store/scaling.ts";
import type { Store } from "../../store/store.ts";
import { idOf, workersOf } from "./fleet-view.ts";
import { forecastFloors, stakesOf } from "./forecasts.ts";
import { learnArrivals, learnEnd, type ScaleMemory } from "./memory.ts";
import { scheduledFloors } from "./schedules.ts";
import { guess, scaleSnapshotOf, type PlatformFacts } from "./snapshot-of.ts";
import type { News, ScaleWatch } from "./watch.ts";

/** What is known of a platform whether or not this process can launch there. */
export type KnownPlatform = Pick<Platform, "name" | "startMs" | "offer">;

/** A deployment whose settings hold, with the platforms it may use. */
export interface ScaledDeployment<P extends KnownPlatform = KnownPlatform> {
  readonly record: ScalingRecord;
  readonly settings: ScalingSettings;
  readonly platforms: readonly P[];
}

export interface DeploymentObservation<P extends KnownPlatform = KnownPlatform> {
  readonly deployment: ScaledDeployment<P>;
  readonly snapshot: ScaleSnapshot;
  readonly memory: ScaleMemory;
  readonly instances: readonly InstanceObservation[];
}

/** Looks at all deployments at once: the same few statements however many there are. */
export async function observe<P extends KnownPlatform>(
  store: Store,
  watch: ScaleWatch,
  deployments: readonly ScaledDeployment<P>[],
  prices: { readonly priceMicroUsdPerHour: (platform: P) => number },
): Promise<readonly DeploymentObservation<P>[]> {
  const ids = deployments.map(({ record }) => record.deploymentId);
  const news = await watch.news();
  const queues = new Map((await store.scaling.queues(ids)).map((row) => [row.deploymentId, row]));
  const instances = groupByDeployment(await store.scaling.instances(ids));
  const launches = groupByDeployment(await store.scaling.launches(ids));
  const ended = groupByDeployment(news.ended);
  const counts = countByPlatform([...instances.values()].flat());
  watch.forgetAllBut(new Set([...instances.values()].flat().map(idOf)));
  const observations = deployments.map((deployment) => {
    const { deploymentId } = deployment.record;
    const own = instances.get(deploymentId) ?? [];
    const memory = learn(watch, deployment, own, { ...news, ended: ended.get(deploymentId) ?? [] });
    const platforms = deployment.platforms.map((platform) =>
      factsOf(platform, prices.priceMicroUsdPerHour(platform), counts),
    );
    const snapshot = look({
      deployment,
      memory,
      nowMs: news.nowMs,
      queue: queues.get(deploymentId) ?? { deploymentId, queued: 0, head: [] },
      instances: own,
      launches: launches.get(deploymentId) ?? [],
      platforms,
      watch,
    });
    return { deployment, snapshot, memory, instances: own };
  });
  return Promise.all(observations.map((seen) => withForecast(store, watch, seen)));
}

/** Adds the floor of a forecast, where the policy uses forecasts and the back-test lets it act. */
async function withForecast<P extends KnownPlatform>(
  store: Store,
  watch: ScaleWatch,
  seen: DeploymentObservation<P>,
): Promise<DeploymentObservation<P>> {
  const { snapshot, deployment } = seen;
  const stakes = stakesOf(snapshot);
  if (!snapshot.policy.usesForecast || stakes === undefined) return seen;
  const { nowMs, demand } = snapshot;
  const context = { nowMs, meanRunMs: demand.meanRunMs, stakes };
  const forecast = await watch.forecasts.get(store, deployment.record.deploymentId, context);
  const floors = [...snapshot.floors, ...forecastFloors(forecast)];
  return { ...seen, snapshot: { ...snapshot, floors } };
}

interface Sight {
  readonly deployment: ScaledDeployment;
  readonly memory: ScaleMemory;
  readonly nowMs: number;
  readonly queue: QueueObservation;
  readonly instances: readonly InstanceObservation[];
  readonly launches: readonly LaunchObservation[];
  readonly platforms: readonly PlatformFacts[];
  readonly watch: ScaleWatch;
}

function look(sight: Sight): ScaleSnapshot {
  const { deployment, memory, nowMs, platforms } = sight;
  const expected = new Map(platforms.map(({ name, expectedBootMs }) => [name, expectedBootMs]));
  const bootMs = (platform: string): number =>
    memory.bootMs[platform] ?? expected.get(platform) ?? guess.bootMs;
  const runMs = memory.runMs ?? guess.runMs;
  const longestBootMs = Math.max(0, ...platforms.map(({ name }) => bootMs(name)));
  return scaleSnapshotOf({
    nowMs,
    settings: deployment.settings,
    memory,
    queue: sight.queue,
    workers: workersOf(sight.instances, sight.watch, { nowMs, runMs, bootMs }),
    launches: sight.launches,
    platforms,
    floors: scheduledFloors(deployment.settings.schedules, nowMs, longestBootMs),
  });
}

function learn(
  watch: ScaleWatch,
  { record, settings }: ScaledDeployment,
  instances: readonly InstanceObservation[],
  news: News,
): ScaleMemory {
  const { deploymentId } = record;
  const { goal } = policyOfSettings(settings);
  let memory = watch.memoryOf(deploymentId, record.memory);
  for (const end of news.ended) memory = learnEnd(memory, end, goal);
  const arrived = news.arrivals.get(deploymentId) ?? 0;
  if (news.nowMs > news.sinceMs) {
    memory = learnArrivals(memory, arrived, news.sinceMs, news.nowMs);
  }
  memory = watch.noteInstances(instances, news.nowMs, memory);
  watch.keep(deploymentId, memory);
  return memory;
}

function groupByDeployment<T extends { readonly deploymentId: number }>(
  rows: readonly T[],
): ReadonlyMap<number, readonly T[]> {
  return Map.groupBy(rows, ({ deploymentId }) => deploymentId);
}

function countByPlatform(rows: readonly InstanceObservation[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  for (const { instanceId, platform } of rows) {
    if (instanceId === null || platform === null || seen.has(instanceId)) continue;
    seen.add(instanceId);
    counts.set(platform, (counts.get(platform) ?? 0) + 1);
  }
  return counts;
}

function factsOf(
  platform: KnownPlatform,
  microUsdPerHour: number,
  counts: ReadonlyMap<string, number>,
): PlatformFacts {
  return {
    name: platform.name,
    expectedBootMs: Math.min(platform.startMs, guess.bootMs),
    microUsdPerHour,
    isSpot: platform.offer.isSpot,
    instances: counts.get(platform.name) ?? 0,
  };
}
