import type { FleetView, Head, QueuedJob, WorkerView } from "./head.ts";
import type { SchedulingPolicy } from "./policy.ts";
import { shouldWait, warmWaitSeconds } from "./wait-or-swap.ts";

/** What became of one head. `ranked` ones stand in the order in which to try them. */
export type Verdict =
  | "ranked"
  | "does_not_fit"
  | "waits_for_warm_worker"
  | "not_overdue"
  | "deadline_missed";

export interface Considered {
  readonly head: Head;
  readonly verdict: Verdict;
  /** Key plus weighted load; the least runs. An overdue head in its turn goes before all. */
  readonly scoreSeconds: number;
}

export type Choice =
  | { readonly kind: "run"; readonly jobId: string; readonly reason: RunReason }
  | { readonly kind: "prefetch"; readonly modelSet: string }
  | { readonly kind: "idle" };

export type RunReason = "overdue" | "least_score";

/** Plain data: stored, printed and replayed. */
export interface Decision {
  readonly choice: Choice;
  /** In the order in which to try them: another gateway may have taken the first. */
  readonly ranked: readonly Considered[];
  readonly passedOver: readonly Considered[];
}

/** What a worker does next. `nowSeconds` is on the clock of the queue's keys. */
export function decide(
  worker: WorkerView,
  heads: readonly Head[],
  fleet: FleetView,
  context: { readonly nowSeconds: number; readonly policy: SchedulingPolicy },
): Decision {
  const isOverdueTurn = isTurnOfOverdueLane(worker, context.policy);
  const ranked: Considered[] = [];
  const passedOver: Considered[] = [];
  for (const head of heads) {
    const considered = consider(worker, head, fleet, context, isOverdueTurn);
    if (considered.verdict === "ranked") ranked.push(considered);
    else passedOver.push(considered);
  }
  if (ranked.length > 1) ranked.sort(bySuitability);
  return { choice: chooseFrom(ranked, passedOver, fleet), ranked, passedOver };
}

function isTurnOfOverdueLane(worker: WorkerView, policy: SchedulingPolicy): boolean {
  return worker.claims % policy.overdueEvery === policy.overdueEvery - 1;
}

function consider(
  worker: WorkerView,
  head: Head,
  fleet: FleetView,
  context: { readonly nowSeconds: number; readonly policy: SchedulingPolicy },
  isOverdueTurn: boolean,
): Considered {
  const { nowSeconds, policy } = context;
  const { job, lane, loadSeconds } = head;
  const scoreSeconds = job.keySeconds + policy.loadWeight * loadSeconds;
  const passOver = (verdict: Verdict): Considered => ({ head, verdict, scoreSeconds });
  if (job.vramBytes > worker.vramBytes) return passOver("does_not_fit");
  if (missesDeadline(head, nowSeconds)) return passOver("deadline_missed");
  if (lane === "overdue") {
    if (nowSeconds < job.overdueAtSeconds) return passOver("not_overdue");
    // Out of its turn it competes like any other, so that no worker idles beside it.
    return {
      head,
      verdict: "ranked",
      scoreSeconds: isOverdueTurn ? job.overdueAtSeconds - overdueLead : scoreSeconds,
    };
  }
  if (shouldWait(worker, head, fleet[job.modelSet], nowSeconds, policy)) {
    return passOver("waits_for_warm_worker");
  }
  return { head, verdict: "ranked", scoreSeconds };
}

/** Puts overdue heads before all others, in their own order. Keys are seconds since 1970. */
const overdueLead = 1e10;

/** A job that cannot end in time even if it started now; one that was demoted is not judged. */
function missesDeadline({ job, loadSeconds }: Head, nowSeconds: number): boolean {
  if (job.deadlineSeconds === null || job.isDemoted) return false;
  return nowSeconds + loadSeconds + job.estimateSeconds > job.deadlineSeconds;
}

/** Least score; then the least VRAM left unused; then the id, so that a replay agrees. */
function bySuitability(left: Considered, right: Considered): number {
  return (
    left.scoreSeconds - right.scoreSeconds ||
    right.head.job.vramBytes - left.head.job.vramBytes ||
    (left.head.job.jobId < right.head.job.jobId ? -1 : 1)
  );
}

function chooseFrom(
  ranked: readonly Considered[],
  passedOver: readonly Considered[],
  fleet: FleetView,
): Choice {
  const best = ranked[0];
  if (best !== undefined) {
    const reason =
      best.scoreSeconds < best.head.job.overdueAtSeconds - overdueLead / 2
        ? "overdue"
        : "least_score";
    return { kind: "run", jobId: best.head.job.jobId, reason };
  }
  const modelSet = setToPrefetch(passedOver, fleet);
  return modelSet === undefined ? { kind: "idle" } : { kind: "prefetch", modelSet };
}

/**
 * Jobs that none of the workers that asked together could end before their deadline, each once:
 * to fail, or to demote.
 */
export function missedDeadlines(decisions: readonly Decision[]): readonly QueuedJob[] {
  const missed = new Map<string, QueuedJob>();
  for (const { passedOver } of decisions) {
    for (const { head, verdict } of passedOver) {
      if (verdict === "deadline_missed") missed.set(head.job.jobId, head.job);
    }
  }
  if (missed.size === 0) return [];
  for (const { ranked } of decisions) for (const { head } of ranked) missed.delete(head.job.jobId);
  return [...missed.values()];
}

/**
 * The set that is waited for longest, if it would be in RAM here before its warm workers come to
 * it: the first that would be worth a second warm worker.
 */
function setToPrefetch(passedOver: readonly Considered[], fleet: FleetView): string | undefined {
  let longestSeconds = 0;
  let modelSet: string | undefined;
  for (const { head, verdict } of passedOver) {
    const set = fleet[head.job.modelSet];
    if (verdict !== "waits_for_warm_worker" || set === undefined) continue;
    const waitSeconds = warmWaitSeconds(set);
    if (waitSeconds <= Math.max(longestSeconds, head.loadSeconds)) continue;
    longestSeconds = waitSeconds;
    modelSet = head.job.modelSet;
  }
  return modelSet;
}
