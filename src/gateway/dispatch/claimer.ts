import { classDelaySeconds } from "../../queue/queue-key.ts";
import { groupChoices } from "../../scheduler/claim-groups.ts";
import { defaultPolicy } from "../../scheduler/policy.ts";
import { decideRound, type RoundDecision, type RoundInput } from "../../scheduler/round.ts";
import type { Claim, ClaimSlot } from "../../store/attempts.ts";
import type { QueuedRow } from "../../store/queue.ts";
import type { Store } from "../../store/store.ts";
import type { Seat } from "../../store/jobs.ts";
import type { ClaimWish } from "../dispatcher.ts";
import type { DecisionLog } from "./decision-log.ts";
import type { PoolView } from "./pool-view.ts";
import type { PoolViews } from "./pool-views.ts";
import { learnHeads, planHeads, roundInput } from "./round-input.ts";

export interface ClaimerOptions {
  readonly store: Store;
  readonly views: PoolViews;
  readonly log: DecisionLog;
  readonly leaseMs: number;
  newId(): string;
  /** Told of each claim that had to load models, with how long that was expected to take. */
  onLoad?(claim: Claim, loadSeconds: number): void;
}

/** Where others were faster, workers choose again so often before they wait for the next hint. */
const maxRounds = 3;

/** Finds jobs for workers that wait: reads the heads of the queue, decides, claims. */
export class Claimer {
  private readonly options: ClaimerOptions;

  constructor(options: ClaimerOptions) {
    this.options = options;
  }

  /**
   * At most one job a worker; `asking` says how much video memory it may need there, where that is
   * less than the card has. Errors: those of the store.
   */
  async claim(
    deploymentId: number,
    asking: ReadonlyMap<string, number | undefined>,
  ): Promise<readonly Claim[]> {
    let waiting = [...asking.keys()];
    const view = await this.options.views.current(deploymentId, waiting);
    view.noteBudgets(asking);
    if (view.isPlain) return this.claimPlain(view, waiting);
    const claims: Claim[] = [];
    for (let round = 0; round < maxRounds && waiting.length > 0; round++) {
      const outcome = await this.claimRound(view, waiting);
      claims.push(...outcome.claims);
      waiting = outcome.missed;
    }
    return claims;
  }

  /** How a worker may be given the next job that needs no model; undefined where others may come first. */
  seatOf(deploymentId: number, workerId: string, { budgetBytes }: ClaimWish): Seat | undefined {
    const view = this.options.views.known(deploymentId);
    if (view?.isPlain !== true || budgetBytes !== undefined) return undefined;
    const { leaseMs } = this.options;
    return { ...this.slotOf(workerId), leaseMs, fromV: view.setHints.from(0, 0) };
  }

  noteSeated(deploymentId: number, { startTag }: Claim): void {
    const view = this.options.views.known(deploymentId);
    if (view !== undefined) view.maxStartTag = Math.max(view.maxStartTag, startTag);
  }

  /** Nothing needs a model: the order of the queue decides, and one statement does it all. */
  private async claimPlain(
    view: PoolView,
    workerIds: readonly string[],
  ): Promise<readonly Claim[]> {
    const { store, leaseMs } = this.options;
    const since = view.setHints.begin();
    const from = view.setHints.from(0, 0);
    const slots = workerIds.map((workerId) => this.slotOf(workerId));
    const { deploymentId } = view;
    const claims = await store.attempts.claim(deploymentId, slots, leaseMs, from);
    if (claims.length > 0) {
      view.setHints.learn(0, 0, Math.max(...claims.map((claim) => claim.v)), since);
    }
    for (const { startTag } of claims) view.maxStartTag = Math.max(view.maxStartTag, startTag);
    return claims;
  }

  private async claimRound(
    view: PoolView,
    workerIds: readonly string[],
  ): Promise<{ readonly claims: readonly Claim[]; readonly missed: string[] }> {
    const { store, leaseMs, log } = this.options;
    const since = { sets: view.setHints.begin(), classes: view.classHints.begin() };
    const query = planHeads(view, workerIds);
    const rows = await store.queue.heads(query);
    learnHeads(view, query, rows, since);
    const input = roundInput(view, workerIds, rows, defaultPolicy);
    const decisions = decideRound(input);
    const queueIds = new Map(rows.map((row) => [row.jobId, row.queueId]));
    const groups = groupChoices(input, decisions).map(({ workerIds: members, jobIds }) => ({
      slots: members.map((workerId) => this.slotOf(workerId)),
      queueIds: jobIds.flatMap((jobId) => queueIds.get(jobId) ?? []),
    }));
    const claims =
      groups.length === 0
        ? []
        : await store.attempts.claimChosen(view.deploymentId, groups, leaseMs);
    this.noteClaims(view, input, rows, claims);
    await this.demoteMissed(view, decisions, queueIds);
    log.add(view.deploymentId, input, decisions, claims);
    return { claims, missed: missedBy(decisions, claims) };
  }

  private noteClaims(
    view: PoolView,
    input: RoundInput,
    rows: readonly QueuedRow[],
    claims: readonly Claim[],
  ): void {
    const rowOf = new Map(rows.map((row) => [row.queueId, row]));
    for (const claim of claims) {
      const row = rowOf.get(claim.queueId);
      if (row === undefined) continue;
      const loadSeconds = view.loadSecondsOf(claim.workerId, row.modelSet);
      const endsAtSeconds = input.nowSeconds + loadSeconds + row.estimateMs / 1000;
      if (loadSeconds > 0) this.options.onLoad?.(claim, loadSeconds);
      const run = { startedAtSeconds: input.nowSeconds, endsAtSeconds };
      view.noteClaim(claim.workerId, row.modelSet, run);
      view.maxStartTag = Math.max(view.maxStartTag, claim.startTag);
    }
  }

  /** What can no longer be in time goes behind the rest of its class, once, and stands in nobody's way. */
  private async demoteMissed(
    view: PoolView,
    decisions: readonly RoundDecision[],
    queueIds: ReadonlyMap<string, number>,
  ): Promise<void> {
    const missed = new Set(
      decisions
        .flatMap(({ decision }) => decision.passedOver)
        .filter(({ verdict }) => verdict === "deadline_missed")
        .flatMap(({ head }) => queueIds.get(head.job.jobId) ?? []),
    );
    if (missed.size === 0) return;
    const { queue } = this.options.store;
    await queue.demote(view.deploymentId, [...missed], classDelaySeconds.low);
  }

  private slotOf(workerId: string): ClaimSlot {
    return { workerId, attemptId: this.options.newId() };
  }
}

/** Workers that chose a job and got none: somebody was faster with all that they would have taken. */
function missedBy(decisions: readonly RoundDecision[], claims: readonly Claim[]): string[] {
  const served = new Set(claims.map((claim) => claim.workerId));
  return decisions
    .filter(({ workerId, decision }) => decision.choice.kind === "run" && !served.has(workerId))
    .map(({ workerId }) => workerId);
}
