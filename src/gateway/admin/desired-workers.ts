/** What is known of a deployment when a platform asks how many workers it is to have. */
export interface DemandSnapshot {
  readonly queued: number;
  readonly running: number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** The autoscaler's last word; null where it has not spoken of this deployment. */
  readonly decision: { readonly target: number; readonly ageMs: number } | null;
}

export interface DesiredWorkers {
  readonly workers: number;
  /** `demand`: nobody decides for this deployment, so each job gets a worker, within the bounds. */
  readonly source: "autoscaler" | "demand";
}

/** A decision that is older is of another time: its controller has gone. */
const freshMs = 120_000;

export function desiredWorkers(snapshot: DemandSnapshot): DesiredWorkers {
  const { queued, running, minWorkers, maxWorkers, decision } = snapshot;
  const isFresh = decision !== null && decision.ageMs <= freshMs;
  const wanted = isFresh ? decision.target : queued + running;
  const workers = Math.min(maxWorkers, Math.max(minWorkers, wanted));
  return { workers, source: isFresh ? "autoscaler" : "demand" };
}
