import type { Consideration, ScaleCommand } from "./decision.ts";
import type { ScaledWorker, ScaleSnapshot } from "./snapshot.ts";

export interface DrainPlan {
  readonly commands: readonly ScaleCommand[];
  readonly because: readonly Consideration[];
  /** When the next idle worker will have outlived its keep-alive; null for none. */
  readonly reviewAtMs: number | null;
}

/**
 * Lets workers go that have been idle for longer than coming back would cost, while more than
 * `floor` stay. The longest idle leave first; of those alike, the ones whose models others hold too.
 */
export function planDrains(
  snapshot: ScaleSnapshot,
  floor: number,
  keepAliveMs: (worker: ScaledWorker) => number,
): DrainPlan {
  const { nowMs, workers, lastLaunchAtMs, policy } = snapshot;
  const idle = workers
    .filter(({ state, idleSinceMs }) => state === "idle" && idleSinceMs !== null)
    .map((worker) => ({ worker, endsAtMs: (worker.idleSinceMs ?? 0) + keepAliveMs(worker) }));
  const present = workers.filter(({ state }) => state !== "draining").length;
  const over = idle.filter(({ endsAtMs }) => endsAtMs <= nowMs);
  const spare = Math.max(0, present - floor);
  const laterMs = idle.map(({ endsAtMs }) => endsAtMs).filter((endsAtMs) => endsAtMs > nowMs);
  const nextMs = spare > over.length && laterMs.length > 0 ? Math.min(...laterMs) : null;
  if (over.length === 0 || spare === 0) return { commands: [], because: [], reviewAtMs: nextMs };
  const calmAtMs = (lastLaunchAtMs ?? -Infinity) + policy.scaleDownCooldownMs;
  if (nowMs < calmAtMs) {
    const text = "a worker was launched just now";
    const because = [{ rule: "cooldown" as const, workers: over.length, text }];
    return { commands: [], because, reviewAtMs: calmAtMs };
  }
  const leaving = over.toSorted(byUselessness(workers)).slice(0, spare);
  const commands = leaving.map(({ worker }) => {
    const idleSeconds = Math.round((nowMs - (worker.idleSinceMs ?? nowMs)) / 1000);
    const keepSeconds = Math.round(keepAliveMs(worker) / 1000);
    const reason = `idle for ${idleSeconds} s; after ${keepSeconds} s coming back is cheaper`;
    return { action: "drain" as const, workerId: worker.id, reason };
  });
  const text = `${over.length} are past their keep-alive, at least ${floor} stay`;
  const because = [{ rule: "keep_alive" as const, workers: leaving.length, text }];
  return { commands, because, reviewAtMs: nextMs };
}

interface Idle {
  readonly worker: ScaledWorker;
  readonly endsAtMs: number;
}

function byUselessness(workers: readonly ScaledWorker[]): (left: Idle, right: Idle) => number {
  const holders = new Map<string, number>();
  for (const { modelSets } of workers) {
    for (const set of modelSets) holders.set(set, (holders.get(set) ?? 0) + 1);
  }
  const unique = ({ worker }: Idle): number =>
    worker.modelSets.filter((set) => holders.get(set) === 1).length;
  return (left, right) =>
    left.endsAtMs - right.endsAtMs ||
    unique(left) - unique(right) ||
    (left.worker.id < right.worker.id ? -1 : 1);
}
