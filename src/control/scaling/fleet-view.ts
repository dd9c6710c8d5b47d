import type { ScaledWorker, WorkerState } from "../../autoscaler/snapshot.ts";
import type { InstanceObservation } from "../../store/scaling.ts";

/** What the loop remembers of instances between its passes. */
export interface InstanceTraces {
  /** When the last job of an instance ended, or when it was first seen ready. */
  readonly freeSinceMs: ReadonlyMap<string, number>;
  /** The last model sets that ran there, newest last. */
  readonly modelSets: ReadonlyMap<string, readonly string[]>;
}

export interface FleetEstimates {
  readonly nowMs: number;
  readonly runMs: number;
  readonly bootMs: (platform: string) => number;
}

/** By hand started workers serve but are neither counted as bought nor ever sent away. */
const ownOffer = "own";

/** One worker for each instance, and each worker that nobody launched. */
export function workersOf(
  observed: readonly InstanceObservation[],
  traces: InstanceTraces,
  estimates: FleetEstimates,
): readonly ScaledWorker[] {
  const byId = new Map<string, InstanceObservation[]>();
  for (const row of observed) {
    const id = idOf(row);
    byId.set(id, [...(byId.get(id) ?? []), row]);
  }
  return [...byId].map(([id, rows]) => workerOf(id, rows, traces, estimates));
}

export function idOf({ instanceId, workerId }: InstanceObservation): string {
  return instanceId ?? workerId ?? "";
}

function workerOf(
  id: string,
  rows: readonly InstanceObservation[],
  traces: InstanceTraces,
  estimates: FleetEstimates,
): ScaledWorker {
  const [first] = rows;
  const state = stateOf(rows);
  const isOwn = first?.instanceId === null;
  const since = traces.freeSinceMs.get(id) ?? estimates.nowMs;
  return {
    id,
    offer: first?.platform ?? ownOffer,
    state,
    freeAtMs: freeAtMs(state, rows, estimates),
    idleSinceMs: state === "idle" && !isOwn ? since : null,
    modelSets: traces.modelSets.get(id) ?? [],
  };
}

export function stateOf(rows: readonly InstanceObservation[]): WorkerState {
  const present = rows.filter(({ workerState }) => workerState !== null);
  if (rows.some(({ state }) => state === "terminating")) return "draining";
  if (present.length > 0 && present.every(({ workerState }) => workerState === "draining")) {
    return "draining";
  }
  if (present.every(({ workerState }) => workerState !== "ready")) return "booting";
  return present.some(({ claimedAt }) => claimedAt !== null) ? "busy" : "idle";
}

/** A run that is over its estimate is expected to take half as long again. */
const overrunShare = 0.5;
const shortestRestMs = 2_000;

function freeAtMs(
  state: WorkerState,
  rows: readonly InstanceObservation[],
  { nowMs, runMs, bootMs }: FleetEstimates,
): number {
  const [first] = rows;
  if (state === "booting") {
    const ready = (first?.createdAt.getTime() ?? nowMs) + bootMs(first?.platform ?? ownOffer);
    return Math.max(ready, nowMs + shortestRestMs);
  }
  const running = rows.find(({ claimedAt }) => claimedAt !== null);
  const startedMs = running?.claimedAt?.getTime();
  if (startedMs === undefined) return nowMs;
  const elapsedMs = Math.max(0, nowMs - startedMs);
  const estimateMs = running?.estimateMs || runMs;
  const restMs =
    elapsedMs < estimateMs
      ? estimateMs - elapsedMs
      : Math.max(shortestRestMs, elapsedMs * overrunShare);
  return nowMs + restMs;
}
