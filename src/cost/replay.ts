/** What is played: jobs of equal length on instances that boot, load, idle and leave. */
export interface ReplayInput {
  /** In order, from 0 up to `horizonMs`. */
  readonly arrivalsMs: readonly number[];
  readonly horizonMs: number;
  /** One job on a warm instance. */
  readonly runMs: number;
  /** From the launch until the worker is ready. */
  readonly startMs: number;
  /** The weights, before an instance's first job. */
  readonly loadMs: number;
  /** Null: instances never leave. */
  readonly idleTailMs: number | null;
  /** Started at 0 and kept for the whole time. */
  readonly warmInstances: number;
  readonly maxInstances: number;
}

export interface ReplayResult {
  /** From submit to result, ascending. */
  readonly latenciesMs: readonly number[];
  /** Jobs for which an instance was launched. */
  readonly coldJobs: number;
  readonly lives: readonly Life[];
  readonly peakInstances: number;
}

export interface Life {
  /** From launch to end, the start included. */
  readonly lifeMs: number;
  /** 0 for instances that were there from the beginning. */
  readonly startMs: number;
}

interface Instance {
  readonly launchedMs: number;
  readonly isKept: boolean;
  freeMs: number;
}

/**
 * First come, first served. A job takes the warm instance that was used last, so that others can
 * leave; it launches one only where that would serve it sooner than any that is there.
 */
export function replayFleet(input: ReplayInput): ReplayResult {
  const { arrivalsMs, horizonMs, runMs, startMs, loadMs, maxInstances } = input;
  const tailMs = input.idleTailMs ?? Infinity;
  const alive: Instance[] = Array.from({ length: input.warmInstances }, () => ({
    launchedMs: 0,
    isKept: true,
    freeMs: 0,
  }));
  const lives: Life[] = [];
  const latenciesMs: number[] = [];
  let coldJobs = 0;
  let peakInstances = alive.length;
  for (const nowMs of arrivalsMs) {
    dismissIdle(alive, nowMs, tailMs, (life) => lives.push({ lifeMs: life, startMs }));
    const chosen = soonest(alive, nowMs);
    const coldMs = nowMs + startMs + loadMs;
    if (chosen !== undefined && (chosen.freeMs <= coldMs || alive.length >= maxInstances)) {
      chosen.freeMs = Math.max(chosen.freeMs, nowMs) + runMs;
      latenciesMs.push(chosen.freeMs - nowMs);
    } else {
      coldJobs++;
      alive.push({ launchedMs: nowMs, isKept: false, freeMs: coldMs + runMs });
      latenciesMs.push(startMs + loadMs + runMs);
      peakInstances = Math.max(peakInstances, alive.length);
    }
  }
  for (const { launchedMs, isKept, freeMs } of alive) {
    const stays = isKept || tailMs === Infinity;
    const endMs = stays ? Math.max(horizonMs, freeMs) : freeMs + tailMs;
    lives.push({ lifeMs: endMs - launchedMs, startMs: isKept ? 0 : startMs });
  }
  latenciesMs.sort((left, right) => left - right);
  return { latenciesMs, coldJobs, lives, peakInstances };
}

function dismissIdle(
  alive: Instance[],
  nowMs: number,
  tailMs: number,
  note: (lifeMs: number) => void,
): void {
  for (let index = alive.length - 1; index >= 0; index--) {
    const each = alive[index];
    if (each === undefined || each.isKept || each.freeMs + tailMs > nowMs) continue;
    note(each.freeMs + tailMs - each.launchedMs);
    alive.splice(index, 1);
  }
}

/** The idle instance that was used last, or else the one that is free first. */
function soonest(alive: readonly Instance[], nowMs: number): Instance | undefined {
  let best: Instance | undefined;
  for (const each of alive) {
    if (best === undefined) best = each;
    else if (best.freeMs <= nowMs ? isLaterIdle(each, best, nowMs) : each.freeMs < best.freeMs) {
      best = each;
    }
  }
  return best;
}

function isLaterIdle(each: Instance, best: Instance, nowMs: number): boolean {
  return each.freeMs <= nowMs && each.freeMs > best.freeMs;
}
