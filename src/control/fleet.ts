import type { InstanceStatus } from "../platforms/platform.ts";
import type { InstanceRecord } from "../store/control.ts";

/** How many instances a deployment is to have on a platform. */
export interface DesiredPool {
  readonly platform: string;
  readonly deploymentId: number;
  readonly deployment: string;
  readonly count: number;
}

/** Launches that did not last, so that a worker that cannot start is not started without end. */
export interface LaunchHistory {
  readonly shortLives: number;
  readonly lastLaunchAtMs: number;
}

export interface FleetSnapshot {
  readonly nowMs: number;
  /** Of one platform, those that are gone left out. */
  readonly rows: readonly InstanceRecord[];
  readonly statuses: readonly InstanceStatus[];
  /** An unanswered launch that is not seen after this long has come to nothing. */
  readonly launchGraceMs: number;
  /** Instances whose workers have been silent for too long. */
  readonly silentIds: ReadonlySet<string>;
  /** Absent: the platform asks an instance to leave. Present: it ends it at once, so we ask before. */
  readonly drains?: {
    /** Instances with workers that have not left. */
    readonly mannedIds: ReadonlySet<string>;
    /** When each was asked, by our clock. */
    readonly sinceMs: ReadonlyMap<string, number>;
  };
  readonly desired: readonly DesiredPool[];
  readonly history: ReadonlyMap<number, LaunchHistory>;
}

/** What is to be done about the instances of a platform, each with its reason. */
export type FleetCommand =
  | { readonly action: "launch"; readonly pool: DesiredPool; readonly reason: string }
  | {
      readonly action: "confirm";
      readonly instanceId: string;
      readonly externalId: string;
      readonly reason: string;
    }
  | {
      readonly action: "terminate";
      readonly instanceId: string | null;
      readonly externalId: string;
      readonly reason: string;
    }
  /** Its workers are to finish and leave; then it ends by itself or is ended. */
  | {
      readonly action: "drain";
      readonly instanceId: string;
      readonly externalId: string;
      readonly reason: string;
    }
  | {
      readonly action: "retire";
      readonly instanceId: string;
      readonly deploymentId: number;
      /** Whether it went soon after its launch without being asked. */
      readonly isShortLife: boolean;
      readonly reason: string;
    };

/** Its enrolment would soon be too old, so waiting longer is in vain. */
export const maxPendingMs = 840_000;
/** A worker that has not finished by then is ended with its job, which another one takes over. */
const drainLimitMs = 900_000;
/** What a platform with a list does not show after this long is not there. */
export const listGraceMs = 60_000;
/** An instance that ends sooner without being asked says that the next one may, too. */
const shortLifeMs = 30_000;
const firstBackoffMs = 1_000;
const maxBackoffMs = 60_000;

/** Compares what is with what is recorded and what is wanted. */
export function decideFleet(snapshot: FleetSnapshot): readonly FleetCommand[] {
  const { rows, statuses } = snapshot;
  const judged = rows.map((row) => ({ row, command: judge(row, snapshot) }));
  const commands = judged.flatMap(({ command }) => (command === undefined ? [] : [command]));
  const known = new Set(rows.flatMap((row) => [row.id, row.externalId]));
  const strays = statuses.filter(
    (status) => !known.has(status.externalId) && !known.has(status.clientToken),
  );
  const staying = judged
    .filter(({ row, command }) => row.state !== "terminating" && isStaying(command))
    .map(({ row }) => row);
  return [
    ...commands,
    ...strays.map(({ externalId }) => ({
      action: "terminate" as const,
      instanceId: null,
      externalId,
      reason: "no record names it",
    })),
    ...snapshot.desired.flatMap((pool) => fill(pool, staying, snapshot)),
  ];
}

function isStaying(command: FleetCommand | undefined): boolean {
  return command === undefined || command.action === "confirm";
}

function judge(row: InstanceRecord, snapshot: FleetSnapshot): FleetCommand | undefined {
  const status = snapshot.statuses.find(
    (one) => one.clientToken === row.id || one.externalId === row.externalId,
  );
  const ageMs = snapshot.nowMs - row.createdAt.getTime();
  if (status === undefined) return judgeMissing(row, ageMs, snapshot.launchGraceMs);
  const { externalId } = status;
  const end = (reason: string): FleetCommand => endOf(row.id, externalId, reason, snapshot);
  if (row.state === "terminating") return end("it was asked to leave and is still there");
  if (status.state === "obsolete") return end("it runs with earlier settings");
  if (status.state === "pending" && ageMs >= maxPendingMs) return end("it got no capacity in time");
  if (snapshot.silentIds.has(row.id)) return end("its workers have fallen silent");
  if (status.state === "pending") return undefined;
  if (row.state === "launching" || row.externalId !== externalId) {
    const reason = "the platform lists it";
    return { action: "confirm", instanceId: row.id, externalId, reason };
  }
  return undefined;
}

function endOf(
  instanceId: string,
  externalId: string,
  reason: string,
  { nowMs, drains, silentIds }: FleetSnapshot,
): FleetCommand {
  const isManned = drains?.mannedIds.has(instanceId) === true && !silentIds.has(instanceId);
  const sinceMs = drains?.sinceMs.get(instanceId) ?? nowMs;
  const action = isManned && nowMs - sinceMs < drainLimitMs ? "drain" : "terminate";
  return { action, instanceId, externalId, reason };
}

function judgeMissing(
  row: InstanceRecord,
  ageMs: number,
  launchGraceMs: number,
): FleetCommand | undefined {
  const isLaunching = row.state === "launching";
  // Lists may lag behind a launch that was answered, too.
  const graceMs = row.externalId === null ? launchGraceMs : listGraceMs;
  if (isLaunching && ageMs < graceMs) return undefined;
  const isShortLife = isLaunching || (row.state === "running" && ageMs < shortLifeMs);
  const reason = isLaunching ? "its launch came to nothing" : "the platform no longer lists it";
  const { id: instanceId, deploymentId } = row;
  return { action: "retire", instanceId, deploymentId, isShortLife, reason };
}

/** Launches what a pool lacks, and asks the youngest of too many to leave. */
function fill(
  pool: DesiredPool,
  staying: readonly InstanceRecord[],
  snapshot: FleetSnapshot,
): readonly FleetCommand[] {
  const present = staying.filter((row) => row.deploymentId === pool.deploymentId);
  const lacking = pool.count - present.length;
  if (lacking > 0) {
    const history = snapshot.history.get(pool.deploymentId);
    if (history !== undefined && snapshot.nowMs < nextLaunchAtMs(history)) return [];
    const reason = `${present.length} of ${pool.count} are there`;
    return Array.from({ length: lacking }, () => ({ action: "launch" as const, pool, reason }));
  }
  return present
    .toSorted((left, right) => right.createdAt.getTime() - left.createdAt.getTime())
    .slice(0, -lacking)
    .flatMap((row) => {
      if (row.externalId === null) return [];
      const reason = `only ${pool.count} are wanted`;
      return [endOf(row.id, row.externalId, reason, snapshot)];
    });
}

/** Doubles with every launch in a row that did not last. */
export function nextLaunchAtMs(history: LaunchHistory): number {
  if (history.shortLives === 0) return 0;
  const backoffMs = firstBackoffMs * 2 ** Math.min(history.shortLives - 1, 16);
  return history.lastLaunchAtMs + Math.min(backoffMs, maxBackoffMs);
}
