import {
  correctedFinishTag,
  finishTag,
  queueKeys,
  startTag,
  type TenantShare,
} from "../../queue/virtual-start.ts";
import { decide, missedDeadlines, type Decision } from "../../scheduler/decide.ts";
import type { Head, QueuedJob } from "../../scheduler/head.ts";
import { defaultPolicy, type SchedulingPolicy } from "../../scheduler/policy.ts";
import { QueueIndex } from "../../scheduler/queue-index.ts";
import type { Assignment, ClusterView, Dispatcher, SimWorker } from "../cluster.ts";
import { EstimateBook } from "../estimate-book.ts";
import { SharedHeads, WarmSets } from "../fleet-snapshot.ts";
import { coldLoadSeconds, type LoadModel, type MemoryNeed } from "../residency.ts";
import type { SimJob } from "../sim-job.ts";

/** A job that was charged to its tenant, and waits or runs. */
interface Charged {
  readonly job: SimJob;
  readonly queued: QueuedJob;
  readonly startTagSeconds: number;
}

interface Proposal {
  readonly worker: SimWorker;
  readonly jobId: string;
  readonly loadSeconds: number;
  readonly rank: number;
}

interface Prefetch {
  readonly worker: SimWorker;
  readonly need: MemoryNeed;
}

/** What the idle workers of a moment say. */
interface Answers {
  readonly best: Proposal | undefined;
  readonly demoted: number;
  readonly prefetches: readonly Prefetch[];
}

/** What all workers that ask at one moment look at. */
interface Moment {
  readonly fleet: WarmSets;
  readonly shared: SharedHeads;
  readonly nowSeconds: number;
  readonly isSpare: boolean;
}

/** The product's own order and decision, fed from memory instead of from Postgres. */
export class HearthDispatcher implements Dispatcher {
  readonly name = "hearth";
  private readonly policy: SchedulingPolicy;
  private readonly loads: LoadModel;
  private readonly index = new QueueIndex();
  private readonly estimates = new EstimateBook();
  private readonly charged = new Map<string, Charged>();
  private readonly finishTags = new Map<string, number>();
  private readonly activeJobs = new Map<string, number>();
  private claimedTagSeconds = 0;
  private workers = 1;

  private readonly watch: (queued: QueuedJob) => void;

  /** `watch` is told of every job as it is queued for the first time. */
  constructor(
    loads: LoadModel,
    options: {
      readonly policy?: SchedulingPolicy;
      readonly watch?: (queued: QueuedJob) => void;
    } = {},
  ) {
    this.loads = loads;
    this.policy = options.policy ?? defaultPolicy;
    this.watch = options.watch ?? ((): void => undefined);
  }

  get queued(): number {
    return this.index.size;
  }

  enqueue(job: SimJob, nowSeconds: number): void {
    const known = this.charged.get(job.jobId) ?? this.charge(job, nowSeconds);
    this.index.add(known.queued);
  }

  next(cluster: ClusterView, nowSeconds: number): Assignment | undefined {
    this.workers = cluster.workers.length;
    // Asks again after a demotion, which may bring up another head: once a job at most.
    for (;;) {
      const { best, demoted, prefetches } = this.ask(cluster, nowSeconds);
      if (best !== undefined) return this.claim(best);
      if (demoted > 0) continue;
      for (const prefetch of prefetches) cluster.prefetch(prefetch.worker, prefetch.need);
      return undefined;
    }
  }

  /** Asks every idle worker and keeps the best of what they would do. */
  private ask(cluster: ClusterView, nowSeconds: number): Answers {
    const fleet = new WarmSets(cluster, this.index, nowSeconds);
    const shared = new SharedHeads(this.index);
    const isSpare = cluster.idle.length * 2 > cluster.workers.length;
    let best: Proposal | undefined;
    const decisions: Decision[] = [];
    const prefetches: Prefetch[] = [];
    for (const worker of cluster.idle) {
      const decision = this.decideFor(worker, { fleet, shared, nowSeconds, isSpare });
      decisions.push(decision);
      prefetches.push(...prefetchOf(worker, decision));
      const proposal = toProposal(worker, decision);
      if (proposal !== undefined && isBetter(proposal, best)) best = proposal;
    }
    const missed = missedDeadlines(decisions);
    for (const { jobId } of missed) this.demote(jobId);
    return { best, demoted: missed.length, prefetches };
  }

  finished(job: SimJob, ran: { readonly runSeconds: number }): void {
    this.estimates.learn(job, ran.runSeconds);
    const charged = this.charged.get(job.jobId);
    if (charged === undefined) return;
    this.charged.delete(job.jobId);
    const finish = this.finishTags.get(job.tenant) ?? 0;
    const { estimateSeconds } = charged.queued;
    const actual = { estimateSeconds, actualSeconds: ran.runSeconds };
    this.finishTags.set(job.tenant, correctedFinishTag(finish, actual, this.share()));
    const active = (this.activeJobs.get(job.tenant) ?? 1) - 1;
    if (active > 0) this.activeJobs.set(job.tenant, active);
    else this.activeJobs.delete(job.tenant);
  }

  private charge(job: SimJob, nowSeconds: number): Charged {
    const estimateSeconds = this.estimates.estimateSeconds(job);
    this.activeJobs.set(job.tenant, (this.activeJobs.get(job.tenant) ?? 0) + 1);
    const clock = { nowSeconds, claimedTagSeconds: this.claimedTagSeconds };
    const startTagSeconds = startTag(clock, this.finishTags.get(job.tenant) ?? 0);
    this.finishTags.set(job.tenant, finishTag(startTagSeconds, estimateSeconds, this.share()));
    const keys = queueKeys(
      {
        startTagSeconds,
        nowSeconds,
        priority: job.priority,
        estimateSeconds,
        coldLoadSeconds: coldLoadSeconds(this.loads, job.vramBytes),
        deadlineSeconds: job.deadlineSeconds,
      },
      this.policy,
    );
    const queued: QueuedJob = {
      ...keys,
      jobId: job.jobId,
      modelSet: job.model,
      enqueuedAtSeconds: nowSeconds,
      estimateSeconds,
      vramBytes: job.vramBytes,
      deadlineSeconds: job.deadlineSeconds,
      isDemoted: false,
    };
    const charged = { job, queued, startTagSeconds };
    this.charged.set(job.jobId, charged);
    this.watch(queued);
    return charged;
  }

  /** Too late for its deadline: it runs after all that may still meet theirs. */
  private demote(jobId: string): void {
    const charged = this.charged.get(jobId);
    if (charged === undefined || this.index.take(jobId) === undefined) return;
    const { estimateSeconds } = charged.queued;
    const cold = coldLoadSeconds(this.loads, charged.queued.vramBytes);
    const lowest = { ...charged, nowSeconds: 0, priority: "low", deadlineSeconds: null } as const;
    const { keySeconds, coldKeySeconds } = queueKeys(
      { ...lowest, estimateSeconds, coldLoadSeconds: cold },
      this.policy,
    );
    const queued = { ...charged.queued, keySeconds, coldKeySeconds, isDemoted: true };
    this.charged.set(jobId, { ...charged, queued });
    this.index.add(queued);
  }

  private share(): TenantShare {
    return { weight: 1, activeWeight: this.activeJobs.size, workers: this.workers };
  }

  private decideFor(worker: SimWorker, moment: Moment): Decision {
    const heads = this.headsFor(worker, moment.shared);
    const view = moment.fleet.viewFor(heads, this.policy.loadWeight);
    const context = { nowSeconds: moment.nowSeconds, policy: this.policy };
    return decide({ ...worker, isSpare: moment.isSpare }, heads, view, context);
  }

  private headsFor(worker: SimWorker, shared: SharedHeads): readonly Head[] {
    const { residency } = worker;
    const loadSeconds = ({ modelSet, vramBytes }: QueuedJob): number =>
      residency.expectedSeconds({ model: modelSet, vramBytes });
    const heads: Head[] = [];
    const add = (job: QueuedJob, lane: Head["lane"]): void => {
      heads.push({ job, lane, loadSeconds: loadSeconds(job) });
    };
    for (const model of residency.models) {
      for (const job of this.index.headsOf(model)) add(job, "resident");
    }
    for (const job of shared.coldFor(worker.vramBytes)) {
      if (residency.tierOf(job.modelSet) === "disk") add(job, "cold");
    }
    if (shared.overdue !== undefined) add(shared.overdue, "overdue");
    return heads;
  }

  private claim({ worker, jobId, loadSeconds }: Proposal): Assignment | undefined {
    this.index.take(jobId);
    const charged = this.charged.get(jobId);
    if (charged === undefined) return undefined;
    const { job, queued, startTagSeconds } = charged;
    this.claimedTagSeconds = Math.max(this.claimedTagSeconds, startTagSeconds);
    return { worker, job, expectedSeconds: loadSeconds + queued.estimateSeconds };
  }
}

/**
 * The least score. Of workers alike, one that must load is the one longest idle, whose models are
 * least in use; one that need not is the one busy last, so that the others may leave.
 */
function isBetter(proposal: Proposal, best: Proposal | undefined): boolean {
  if (best === undefined || proposal.rank < best.rank) return true;
  return proposal.rank === best.rank && proposal.loadSeconds === 0;
}

function toProposal(worker: SimWorker, { choice, ranked }: Decision): Proposal | undefined {
  const best = ranked[0];
  if (choice.kind !== "run" || best === undefined) return undefined;
  const { loadSeconds } = best.head;
  return { worker, jobId: choice.jobId, loadSeconds, rank: best.scoreSeconds };
}

/** Into RAM only; what is there already is near enough. */
function prefetchOf(worker: SimWorker, { choice, passedOver }: Decision): readonly Prefetch[] {
  if (choice.kind !== "prefetch") return [];
  const model = choice.modelSet;
  const job = passedOver.find(({ head }) => head.job.modelSet === model)?.head.job;
  if (job === undefined || worker.residency.tierOf(model) !== "disk") return [];
  return [{ worker, need: { model, vramBytes: job.vramBytes } }];
}
