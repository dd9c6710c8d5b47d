import { policyOfSettings, type ScalingSettings } from "../../autoscaler/settings.ts";
import type {
  OfferView,
  ScaledWorker,
  ScaleSnapshot,
  WorkerFloor,
} from "../../autoscaler/snapshot.ts";
import type { LaunchObservation, QueueObservation } from "../../store/scaling.ts";
import { launchLimit } from "./launch-limits.ts";
import { dispersionOf, microUsdPerJob, p95LatencyMs, type ScaleMemory } from "./memory.ts";

/** What is known of a platform, for all deployments. */
export interface PlatformFacts {
  readonly name: string;
  /** Until launches have shown it. */
  readonly expectedBootMs: number;
  readonly microUsdPerHour: number;
  readonly isSpot: boolean;
  /** Instances of all scaled deployments. */
  readonly instances: number;
}

export interface DeploymentView {
  readonly nowMs: number;
  readonly settings: ScalingSettings;
  readonly memory: ScaleMemory;
  readonly queue: QueueObservation;
  readonly workers: readonly ScaledWorker[];
  readonly launches: readonly LaunchObservation[];
  readonly platforms: readonly PlatformFacts[];
  readonly floors: readonly WorkerFloor[];
}

/** Before anything has run or been loaded. */
export const guess = { runMs: 20_000, loadMs: 22_000, bootMs: 30_000 };

/** Model sets 0 and 1 have no files to load. */
const firstSetWithModels = 2;

export function scaleSnapshotOf(view: DeploymentView): ScaleSnapshot {
  const { nowMs, settings, memory, queue, workers, launches } = view;
  const offers = view.platforms.map((facts) => offerOf(facts, view));
  const prices = new Map(offers.map((offer) => [offer.id, offer.microUsdPerHour]));
  const fleetRate = workers.reduce((sum, { offer }) => sum + (prices.get(offer) ?? 0), 0);
  const runMs = memory.runMs ?? guess.runMs;
  const hasModels = queue.head.some(([modelSet]) => modelSet >= firstSetWithModels);
  const loadMs = memory.loadMs ?? (hasModels ? guess.loadMs : 0);
  const policy = policyOfSettings(settings);
  return {
    nowMs,
    policy,
    bounds: { minWorkers: settings.minWorkers, maxWorkers: settings.maxWorkers },
    queue: {
      queued: queue.queued,
      head: queue.head.map(([modelSet, estimateMs]) => ({
        modelSet: modelSet < firstSetWithModels ? "" : String(modelSet),
        runMs: estimateMs > 0 ? estimateMs : runMs,
        loadMs: modelSet < firstSetWithModels ? 0 : loadMs,
      })),
    },
    workers,
    offers,
    demand: {
      jobsPerSecond: memory.jobsPerSecond,
      dispersion: dispersionOf(memory),
      meanRunMs: runMs,
      meanLoadMs: loadMs,
      loadShare: memory.loadShare,
      // The agent fetches the backlog's models while ComfyUI is still importing.
      loadsWhileBooting: true,
      microUsdPerJob: microUsdPerJob(memory, fleetRate),
      p95LatencyMs: p95LatencyMs(memory),
      thrift: policy.goal === null ? null : memory.thrift,
      gapsMs: policy.keepAlive === "empirical" ? memory.gapsMs : [],
    },
    floors: view.floors,
    lastLaunchAtMs: launches[0]?.createdAt.getTime() ?? null,
    launchedInLastMinute: launches.filter(({ createdAt }) => createdAt.getTime() > nowMs - 60_000)
      .length,
    hourlyBudgetMicroUsd: settings.hourlyBudgetMicroUsd,
  };
}

function offerOf(facts: PlatformFacts, view: DeploymentView): OfferView {
  const { settings, memory, launches } = view;
  const own = launches.filter(({ platform }) => platform === facts.name);
  const quota = settings.quotas[facts.name];
  return {
    id: facts.name,
    microUsdPerHour: settings.pricesMicroUsdPerHour[facts.name] ?? facts.microUsdPerHour,
    bootMs: memory.bootMs[facts.name] ?? facts.expectedBootMs,
    slowness: 1,
    isSpot: facts.isSpot,
    lossesPerHour: facts.isSpot ? spotLossesPerHour : 0,
    quotaLeft: quota === undefined ? null : Math.max(0, quota - facts.instances),
    notBeforeMs: launchLimit(own).notBeforeMs,
  };
}

/** Published availability traces lose a spot worker every few hours. */
const spotLossesPerHour = 0.3;
