import type { Clock } from "../../kernel/clock.ts";
import { neededBytes } from "../../memory/footprint.ts";
import type { Release } from "../../protocol/worker-link.ts";
import type { JobPriority } from "../../queue/queue-key.ts";
import { finishTag, queueKeys } from "../../queue/virtual-start.ts";
import { vramClassOf } from "../../queue/vram-class.ts";
import { estimateKeys, type JobKind } from "../../scheduler/estimate-keys.ts";
import { estimateRunSeconds } from "../../scheduler/estimate.ts";
import { loadSeconds } from "../../scheduler/load-cost.ts";
import type { DeploymentRecord } from "../../store/access.ts";
import type { JobPlacement } from "../../store/jobs.ts";
import type { FleetWorker } from "../../store/queue.ts";
import type { Store } from "../../store/store.ts";
import { modelKey, modelSetId } from "../../workflow/model-ref.ts";
import { modelUses, modelsInOrder } from "../../workflow/model-use.ts";
import type { Workflow } from "../../workflow/parse.ts";
import { requirementsOf } from "../../workflow/requirements.ts";
import { AccessCache } from "../access-cache.ts";
import { assumedModelBytes } from "./pool-view.ts";
import { chargedSeconds, shareOf } from "./share.ts";

export interface PlacementRequest {
  readonly tenantId: number;
  readonly deployment: DeploymentRecord;
  readonly workflow: Workflow;
  readonly priority: JobPriority;
  /** Until when the caller wishes to have it; null: no wish. */
  readonly dueInMs: number | null;
}

interface Needs {
  readonly fingerprint: string;
  readonly sizeClass: string;
  readonly vramBytes: number;
  readonly models: readonly { readonly model: string; readonly bytes: number }[];
}

/** What new jobs are placed by of the workers that are ready. */
interface FleetFacts {
  /** The GPU that most of them have; null where there are none. */
  readonly gpu: string | null;
  /** Whether there are some, and none has a card. */
  readonly isWithoutCards: boolean;
}

const releaseMs = 3_000;
const estimateMs = 5_000;
const fleetMs = 10_000;
const shareMs = 1_000;
/** Numbers of model sets never change; this only bounds the memory they take. */
const setMs = 3_600_000;

/** The model set of jobs that need video memory but no models. */
const memoryOnlySet = 1;

/** Where new jobs are placed in the queue: everything that is known of them when they come. */
export class Placements {
  private readonly store: Store;
  private readonly releases: AccessCache<Release>;
  private readonly setNumbers: AccessCache<number>;
  private readonly estimates: AccessCache<number>;
  private readonly fleets: AccessCache<FleetFacts>;
  private readonly tags: AccessCache<number>;
  private readonly footprints: AccessCache<number | undefined>;

  constructor(store: Store, clock: Clock) {
    this.store = store;
    this.releases = new AccessCache(clock, releaseMs);
    this.setNumbers = new AccessCache(clock, setMs);
    this.estimates = new AccessCache(clock, estimateMs);
    this.fleets = new AccessCache(clock, fleetMs);
    this.footprints = new AccessCache(clock, estimateMs);
    this.tags = new AccessCache(clock, shareMs);
  }

  /** Errors: those of the store. */
  async place(request: PlacementRequest): Promise<JobPlacement> {
    const { deployment, priority, dueInMs } = request;
    const release = await this.releases.get(String(deployment.id), () =>
      this.store.access.release(deployment.id),
    );
    const needs = needsOf(request.workflow, release);
    const ownSet = await this.setNumber(needs);
    const { fingerprint, sizeClass } = needs;
    const { gpu, isWithoutCards } = await this.fleet(deployment.id);
    // Where no worker has a card, no run has taught anything of one.
    const learned = isWithoutCards
      ? undefined
      : await this.learnedBytes(deployment.id, fingerprint, ownSet, sizeClass);
    const vramBytes = learned ?? needs.vramBytes;
    const modelSet = ownSet === 0 && vramBytes > 0 ? memoryOnlySet : ownSet;
    const kind = { fingerprint, modelSet, sizeClass, gpu };
    const seconds = await this.runSeconds(deployment.id, kind);
    const keys = queueKeys({
      startTagSeconds: 0,
      nowSeconds: 0,
      priority,
      estimateSeconds: seconds,
      coldLoadSeconds: loadSeconds(needs.models, () => "disk"),
      deadlineSeconds: dueInMs === null ? null : dueInMs / 1000,
    });
    return {
      fingerprint,
      modelSet,
      sizeClass,
      vramBytes,
      vramClass: vramClassOf(vramBytes),
      estimateMs: Math.round(seconds * 1000),
      delaySeconds: keys.keySeconds,
      coldDelaySeconds: keys.coldKeySeconds - keys.keySeconds,
      overdueAfterSeconds: keys.overdueAtSeconds,
      dueInMs,
      tagSeconds: deployment.sharedWith.length === 0 ? null : await this.charge(request, seconds),
    };
  }

  private setNumber({ models }: Needs): Promise<number> {
    const keys = models.map(({ model }) => model);
    if (keys.length === 0) return Promise.resolve(0);
    const hash = modelSetId(keys);
    return this.setNumbers.get(hash, () => this.store.queue.internModelSet(hash, keys.toSorted()));
  }

  /** What a card must have by what runs have taught; undefined before the first. */
  private learnedBytes(
    deploymentId: number,
    fingerprint: string,
    modelSet: number,
    sizeClass: string,
  ): Promise<number | undefined> {
    const key = [deploymentId, fingerprint, modelSet, sizeClass].join(" ");
    return this.footprints.get(key, async () => {
      const kind = { fingerprint, modelSet, sizeClass };
      return neededBytes(await this.store.footprints.find(deploymentId, kind), vramClassOf);
    });
  }

  /** 0 while nothing like it has run. */
  private async runSeconds(deploymentId: number, kind: JobKind): Promise<number> {
    const keys = estimateKeys(kind);
    return this.estimates.get(`${deploymentId} ${keys[0] ?? ""}`, async () => {
      const known = await this.store.estimates.find(deploymentId, keys);
      return estimateRunSeconds(
        keys.map((key) => known.get(key)),
        0,
      );
    });
  }

  private fleet(deploymentId: number): Promise<FleetFacts> {
    return this.fleets.get(String(deploymentId), async () =>
      fleetFacts(await this.store.queue.fleet(deploymentId)),
    );
  }

  /** Seconds of its tenant's share that a job uses up in a pool that several tenants use. */
  private async charge(
    { tenantId, deployment }: PlacementRequest,
    seconds: number,
  ): Promise<number> {
    const perSecond = await this.tags.get(`${deployment.id} ${tenantId}`, async () =>
      finishTag(0, 1, await shareOf(this.store, tenantId, deployment.id)),
    );
    return perSecond * chargedSeconds(seconds * 1000);
  }
}

function fleetFacts(workers: readonly FleetWorker[]): FleetFacts {
  const counts = new Map<string, number>();
  for (const { gpu } of workers) counts.set(gpu, (counts.get(gpu) ?? 0) + 1);
  const [most] = [...counts].sort((left, right) => right[1] - left[1]);
  const isWithoutCards = workers.length > 0 && workers.every(({ vramBytes }) => vramBytes === 0);
  return { gpu: most?.[0] ?? null, isWithoutCards };
}

/** What the workflow names by ComfyUI's own loaders, and whatever else the release knows by name. */
function needsOf(workflow: Workflow, release: Release): Needs {
  const { models, fingerprint, sizeClass, vram } = requirementsOf(workflow, null, {
    files: release.models,
  });
  const used = modelsInOrder(modelUses(workflow, release.models));
  const all = new Map([...models, ...used].map((file) => [modelKey(file), file.bytes]));
  return {
    fingerprint,
    sizeClass: String(sizeClass),
    vramBytes: all.size === 0 ? 0 : (vram.reserveBytes ?? 0),
    models: [...all].map(([model, bytes]) => ({ model, bytes: bytes ?? assumedModelBytes })),
  };
}
