import { attributeSpan, type CostShare } from "../cost/attribute.ts";
import { attemptKpis, summarize, type AttemptKpis } from "../observability/kpi.ts";
import type { PaidUnit, UsageAttempt, UsageCosts, UsageHour } from "../store/usage.ts";

export interface HourSnapshot {
  readonly hourMs: number;
  /** The end of the hour, or now within it. */
  readonly toMs: number;
  readonly units: readonly PaidUnit[];
  readonly attempts: readonly UsageAttempt[];
}

/** What one deployment and model set had of an hour. */
interface Entry {
  readonly deploymentId: number;
  readonly modelSet: number;
  readonly ended: UsageAttempt[];
  costs: UsageCosts;
  paidMs: number;
  busyMs: number;
}

const msPerHour = 3_600_000;

const noCosts: UsageCosts = { runMicroUsd: 0, loadMicroUsd: 0, startMicroUsd: 0, idleMicroUsd: 0 };

/**
 * Books an hour: every paid moment is charged to the attempt that caused it and so to its deployment
 * and model set; the key figures are those of the attempts that ended within the hour.
 */
export function bookHour(snapshot: HourSnapshot): readonly UsageHour[] {
  const { hourMs, toMs, units, attempts } = snapshot;
  const entries = new Map<string, Entry>();
  const entryOf = (deploymentId: number, modelSet: number): Entry => {
    const key = `${deploymentId}/${modelSet}`;
    const known = entries.get(key);
    if (known !== undefined) return known;
    const entry = { deploymentId, modelSet, ended: [], costs: noCosts, paidMs: 0, busyMs: 0 };
    entries.set(key, entry);
    return entry;
  };
  const byUnit = Map.groupBy(attempts, ({ unitId }) => unitId);
  const prices = new Map(units.map((unit) => [unit.id, unit.priceMicroUsdPerHour]));
  for (const unit of units) bookUnit(unit, byUnit.get(unit.id) ?? [], snapshot, entryOf);
  for (const attempt of attempts) {
    const endedMs = attempt.endedAt?.getTime() ?? Infinity;
    const entry = entryOf(attempt.deploymentId, attempt.modelSet);
    entry.busyMs += overlapMs(attempt.claimedAt.getTime(), endedMs, hourMs, toMs);
    if (endedMs >= hourMs && endedMs < toMs) entry.ended.push(attempt);
  }
  return [...entries.values()].filter(hasHappened).map((entry) => summaryOf(entry, hourMs, prices));
}

/** An attempt that ended within the span, with what it caused there. */
export interface AttemptRow {
  readonly jobId: string;
  readonly epoch: number;
  readonly deploymentId: number;
  readonly state: string;
  readonly endedAt: Date;
  readonly kpis: AttemptKpis;
  readonly costs: UsageCosts;
  readonly allInMicroUsd: number;
}

/** The same for single attempts: key figures, and costs with their share of starts and idle time. */
export function attemptRows(snapshot: HourSnapshot): readonly AttemptRow[] {
  const { hourMs, toMs, units, attempts } = snapshot;
  const byUnit = Map.groupBy(attempts, ({ unitId }) => unitId);
  const prices = new Map(units.map((unit) => [unit.id, unit.priceMicroUsdPerHour]));
  const caused = new Map<string | null, UsageCosts>();
  for (const unit of units) {
    for (const share of sharesOf(unit, byUnit.get(unit.id) ?? [], snapshot)) {
      caused.set(share.key, addCosts(caused.get(share.key) ?? noCosts, share));
    }
  }
  return attempts.flatMap((attempt) => {
    const { jobId, epoch, deploymentId, state, endedAt, unitId } = attempt;
    if (endedAt === null || endedAt.getTime() < hourMs || endedAt.getTime() >= toMs) return [];
    const costs = caused.get(keyOf(attempt)) ?? noCosts;
    const allInMicroUsd = Object.values(costs).reduce((sum, each) => sum + each, 0);
    const kpis = kpisOf(attempt, hourMs, prices.get(unitId) ?? null);
    return [{ jobId, epoch, deploymentId, state, endedAt, kpis, costs, allInMicroUsd }];
  });
}

function kpisOf(attempt: UsageAttempt, openEndMs: number, price: number | null): AttemptKpis {
  return attemptKpis({
    queuedMs: (attempt.requeuedAt ?? attempt.submittedAt).getTime(),
    claimedMs: attempt.claimedAt.getTime(),
    endedMs: attempt.endedAt?.getTime() ?? openEndMs,
    isFailure: attempt.state === "failed" || attempt.state === "lost",
    peakMemoryBytes: attempt.peakVramBytes,
    priceMicroUsdPerHour: price,
    phases: attempt.timings ?? {},
  });
}

function bookUnit(
  unit: PaidUnit,
  attempts: readonly UsageAttempt[],
  snapshot: HourSnapshot,
  entryOf: (deploymentId: number, modelSet: number) => Entry,
): void {
  const [fromMs, untilMs] = paidSpan(unit, snapshot);
  if (untilMs <= fromMs) return;
  const byKey = new Map(attempts.map((attempt) => [keyOf(attempt), attempt]));
  for (const share of sharesOf(unit, attempts, snapshot)) {
    const cause = share.key === null ? undefined : byKey.get(share.key);
    const entry = entryOf(cause?.deploymentId ?? unit.deploymentId, cause?.modelSet ?? 0);
    entry.costs = addCosts(entry.costs, share);
  }
  const first = attempts[0];
  entryOf(first?.deploymentId ?? unit.deploymentId, first?.modelSet ?? 0).paidMs +=
    untilMs - fromMs;
}

function paidSpan(unit: PaidUnit, { hourMs, toMs }: HourSnapshot): readonly [number, number] {
  return [
    Math.max(hourMs, unit.startedAt.getTime()),
    Math.min(toMs, unit.endedAt?.getTime() ?? toMs),
  ];
}

function sharesOf(
  unit: PaidUnit,
  attempts: readonly UsageAttempt[],
  snapshot: HourSnapshot,
): readonly CostShare[] {
  const { hourMs, toMs } = snapshot;
  const [fromMs, untilMs] = paidSpan(unit, snapshot);
  if (untilMs <= fromMs) return [];
  return attributeSpan({
    fromMs,
    toMs: untilMs,
    priceMicroUsdPerHour: unit.priceMicroUsdPerHour ?? 0,
    isFresh: isFresh(unit, attempts, hourMs),
    attempts: attempts.map((attempt) => ({
      key: keyOf(attempt),
      startMs: attempt.claimedAt.getTime(),
      endMs: attempt.endedAt?.getTime() ?? toMs,
      loadMs: loadMsOf(attempt),
    })),
  });
}

/** Known from what ended in the hour before: an instance that waited longer is not starting. */
function isFresh(unit: PaidUnit, attempts: readonly UsageAttempt[], hourMs: number): boolean {
  const startedMs = unit.startedAt.getTime();
  return (
    startedMs > hourMs - msPerHour &&
    attempts.every(({ endedAt }) => endedAt === null || endedAt.getTime() > hourMs)
  );
}

function summaryOf(
  entry: Entry,
  hourMs: number,
  prices: ReadonlyMap<string, number | null>,
): UsageHour {
  const { deploymentId, modelSet, ended, costs, paidMs, busyMs } = entry;
  const kpis = ended.map((attempt) => kpisOf(attempt, hourMs, prices.get(attempt.unitId) ?? null));
  const succeeded = ended.filter(({ state }) => state === "succeeded").length;
  const summary = { ...summarize(kpis), costs, attempts: ended.length, succeeded, paidMs, busyMs };
  return { deploymentId, hour: new Date(hourMs), modelSet, summary };
}

function hasHappened({ ended, paidMs, busyMs, costs }: Entry): boolean {
  return ended.length > 0 || paidMs > 0 || busyMs > 0 || costs !== noCosts;
}

/** Weights may arrive while other things are staged; only what was waited for is their cost. */
function loadMsOf({ timings }: UsageAttempt): number {
  const weightsMs = timings?.["weightsMs"];
  const stageMs = timings?.["stageMs"];
  if (typeof weightsMs !== "number") return 0;
  return typeof stageMs === "number" ? Math.min(weightsMs, stageMs) : weightsMs;
}

function addCosts(costs: UsageCosts, share: CostShare): UsageCosts {
  return {
    runMicroUsd: costs.runMicroUsd + share.runMicroUsd,
    loadMicroUsd: costs.loadMicroUsd + share.loadMicroUsd,
    startMicroUsd: costs.startMicroUsd + share.startMicroUsd,
    idleMicroUsd: costs.idleMicroUsd + share.idleMicroUsd,
  };
}

function overlapMs(fromMs: number, toMs: number, windowFromMs: number, windowToMs: number): number {
  return Math.max(0, Math.min(toMs, windowToMs) - Math.max(fromMs, windowFromMs));
}

function keyOf({ jobId, epoch }: UsageAttempt): string {
  return `${jobId}/${epoch}`;
}
