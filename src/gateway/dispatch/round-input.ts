import { vramClassOf } from "../../queue/vram-class.ts";
import type { QueuedJob } from "../../scheduler/head.ts";
import type { SchedulingPolicy } from "../../scheduler/policy.ts";
import type { RoundInput } from "../../scheduler/round.ts";
import type { HeadProbe, HeadsQuery, QueuedRow } from "../../store/queue.ts";
import type { PoolView } from "./pool-view.ts";

/** Sets that one look asks for, beside what its workers have. */
const coldSets = 8;
const maxSets = 96;
/** Jobs read beyond one a worker: others may be faster to take the first. */
const spareJobs = 3;
const maxJobs = 128;

/** Where to look for work for these workers. */
export function planHeads(view: PoolView, workerIds: readonly string[]): HeadsQuery {
  const bytes = workerIds.map((workerId) => view.usableVramBytes(workerId));
  const wantedBy = new Map<number, number>();
  for (const workerId of workerIds) {
    for (const id of view.residentSetsOf(workerId)) wantedBy.set(id, (wantedBy.get(id) ?? 0) + 1);
  }
  const cold = [...view.sets.keys()]
    .map((id) => ({ id, key: view.setHints.from(id, Math.max(0, ...bytes)) }))
    .sort((left, right) => left.key - right.key || left.id - right.id);
  for (const { id } of cold.slice(0, coldSets)) if (!wantedBy.has(id)) wantedBy.set(id, 1);
  const distinctBytes = [...new Set(bytes)];
  const sets = [...wantedBy].slice(0, maxSets).flatMap(([of, workers]) =>
    distinctBytes.map((vramBytes) => ({
      of,
      vramBytes,
      fromKey: view.setHints.from(of, vramBytes),
      limit: Math.min(maxJobs, workers * 2 + spareJobs),
    })),
  );
  const classes = [...view.classes].flatMap((of) =>
    distinctBytes
      .filter((vramBytes) => of <= vramClassOf(vramBytes))
      .map((vramBytes) => ({
        of,
        vramBytes,
        fromKey: view.classHints.from(of, vramBytes),
        limit: Math.min(maxJobs, workerIds.length + spareJobs),
      })),
  );
  return {
    deploymentId: view.deploymentId,
    exceptTenantIds: view.cappedTenantIds,
    sets: sets.filter(mayHaveJobs),
    classes: classes.filter(mayHaveJobs),
    overdue: { vramBytes: Math.max(0, ...bytes), limit: workerIds.length },
  };
}

function mayHaveJobs(probe: HeadProbe): boolean {
  return probe.fromKey !== Number.POSITIVE_INFINITY;
}

/** Moves the hints to what a look has found; `since` is what each `begin` gave before it. */
export function learnHeads(
  view: PoolView,
  query: HeadsQuery,
  rows: readonly QueuedRow[],
  since: { readonly sets: number; readonly classes: number },
): void {
  // Jobs of tenants that are left out were passed over: where they are, a later look must begin.
  if (query.exceptTenantIds.length > 0) return;
  for (const { of, vramBytes } of query.sets) {
    const first = firstKey(rows, (row) =>
      row.lane === "resident" && row.modelSet === of && row.vramBytes <= vramBytes
        ? row.v
        : undefined,
    );
    view.setHints.learn(of, vramBytes, first, since.sets);
  }
  for (const { of, vramBytes } of query.classes) {
    const first = firstKey(rows, (row) =>
      row.lane === "cold" && row.vramClass === of && row.vramBytes <= vramBytes
        ? row.vCold
        : undefined,
    );
    view.classHints.learn(of, vramBytes, first, since.classes);
  }
}

function firstKey(
  rows: readonly QueuedRow[],
  keyOf: (row: QueuedRow) => number | undefined,
): number | undefined {
  let least: number | undefined;
  for (const row of rows) {
    const key = keyOf(row);
    if (key !== undefined && (least === undefined || key < least)) least = key;
  }
  return least;
}

/** What a round decides from. */
export function roundInput(
  view: PoolView,
  workerIds: readonly string[],
  rows: readonly QueuedRow[],
  policy: SchedulingPolicy,
): RoundInput {
  const nowSeconds = rows[0]?.nowSeconds ?? 0;
  const isSpare = view.isSpare();
  const sets = [...new Set(rows.map((row) => row.modelSet))];
  const jobsOf = (lane: QueuedRow["lane"]): readonly QueuedRow[] =>
    unique(rows.filter((row) => row.lane === lane));
  const job = (row: QueuedRow): QueuedJob => queuedJob(row, view.label(row.modelSet));
  const resident = Object.groupBy(jobsOf("resident").toSorted(byKey), (row) =>
    view.label(row.modelSet),
  );
  const cold = Object.groupBy(jobsOf("cold").toSorted(byColdKey), (row) => String(row.vramClass));
  return {
    nowSeconds,
    policy,
    workers: workerIds.map((workerId) => ({
      workerId,
      vramBytes: view.usableVramBytes(workerId),
      claims: view.claims.get(workerId) ?? 0,
      isSpare,
      loadSeconds: Object.fromEntries(
        sets.flatMap((id) => {
          const seconds = view.loadSecondsOf(workerId, id);
          return seconds === 0 ? [] : [[view.label(id), round3(seconds)]];
        }),
      ),
      residentSets: view
        .residentSetsOf(workerId)
        .filter((id) => sets.includes(id))
        .map((id) => view.label(id)),
    })),
    bySet: Object.fromEntries(
      Object.entries(resident).map(([label, found = []]) => [label, found.map(job)]),
    ),
    byClass: Object.values(cold).map((found = []) => found.map(job)),
    overdue: jobsOf("overdue").map(job),
    fleet: view.warmWorkers(sets, nowSeconds),
    backlogSeconds: Object.fromEntries(
      sets.map((id) => [view.label(id), (view.sets.get(id)?.backlogMs ?? 0) / 1000]),
    ),
  };
}

/** Looks for workers with unlike VRAM find the same jobs. */
function unique(rows: readonly QueuedRow[]): readonly QueuedRow[] {
  return [...new Map(rows.map((row) => [row.queueId, row])).values()];
}

function queuedJob(row: QueuedRow, modelSet: string): QueuedJob {
  return {
    jobId: row.jobId,
    modelSet,
    keySeconds: row.v,
    coldKeySeconds: row.vCold,
    overdueAtSeconds: row.overdueFrom,
    enqueuedAtSeconds: row.enqueuedAtSeconds,
    estimateSeconds: row.estimateMs / 1000,
    vramBytes: row.vramBytes,
    deadlineSeconds: row.due,
    isDemoted: row.isDemoted,
  };
}

function byKey(left: QueuedRow, right: QueuedRow): number {
  return left.v - right.v || left.queueId - right.queueId;
}

function byColdKey(left: QueuedRow, right: QueuedRow): number {
  return left.vCold - right.vCold || left.queueId - right.queueId;
}

function round3(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
