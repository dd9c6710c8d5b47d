import { z } from "zod";

import { learnThrift } from "../../autoscaler/thrift.ts";
import type { ServiceGoal } from "../../autoscaler/policy.ts";
import type { EndedAttempt } from "../../store/scaling.ts";

const ms = z.number().nonnegative();

/** What the loop has learned of a deployment; stored, so that the next leader knows it too. */
const memorySchema = z.strictObject({
  /** Ends up to here are taken in. */
  learnedUntilMs: ms,
  runMs: ms.nullable(),
  loadMs: ms.nullable(),
  loadShare: z.number().min(0).max(1),
  jobsPerSecond: z.number().nonnegative(),
  /** Arrivals of the last whole minutes, oldest first, and of the running one. */
  minutes: z.array(z.int().nonnegative()).max(60),
  minuteStartMs: ms,
  minuteJobs: z.int().nonnegative(),
  thrift: z.number().min(0).max(1).nullable(),
  /** From the launch to a ready worker, by platform. */
  bootMs: z.record(z.string(), ms),
  /** Successes of the last quarter of an hour: when they ended and how long callers waited. */
  recent: z.array(z.strictObject({ endedAtMs: ms, latencyMs: ms })).max(200),
  /** Times without work between jobs, newest last. */
  gapsMs: z.array(ms).max(200),
  /** When places became free that no job has taken since, in order. */
  freedAtMs: z.array(ms).max(64),
});

export type ScaleMemory = Readonly<z.infer<typeof memorySchema>>;

const fresh: ScaleMemory = {
  learnedUntilMs: 0,
  runMs: null,
  loadMs: null,
  loadShare: 0,
  jobsPerSecond: 0,
  minutes: [],
  minuteStartMs: 0,
  minuteJobs: 0,
  thrift: null,
  bootMs: {},
  recent: [],
  gapsMs: [],
  freedAtMs: [],
};

/** What a leader before this one has left; nothing where another version left it. */
export function recall(stored: unknown): ScaleMemory {
  const parsed = memorySchema.safeParse(stored);
  return parsed.success ? parsed.data : fresh;
}

const newestShare = 0.05;
const recentMs = 900_000;
/** A load is what takes longer than placing the inputs. */
const loadFloorMs = 2_000;
const rateWindowMs = 300_000;

function follow(known: number | null, sample: number, share = newestShare): number {
  return known === null ? sample : known + share * (sample - known);
}

/** Takes in an attempt that ended. */
export function learnEnd(
  memory: ScaleMemory,
  end: EndedAttempt,
  goal: ServiceGoal | null,
): ScaleMemory {
  const endedAtMs = end.endedAt.getTime();
  if (!end.isSuccess || endedAtMs <= memory.learnedUntilMs) return memory;
  const stageMs = end.stageMs ?? 0;
  const isLoad = stageMs > loadFloorMs;
  const loadMs = isLoad ? stageMs : 0;
  const latencyMs = Math.max(0, endedAtMs - end.submittedAt.getTime());
  const runMs = Math.max(0, endedAtMs - end.claimedAt.getTime() - loadMs);
  const thrift = memory.thrift ?? 0.5;
  return {
    ...memory,
    learnedUntilMs: endedAtMs,
    ...matchGap(memory, end.claimedAt.getTime(), endedAtMs),
    runMs: follow(memory.runMs, runMs),
    loadMs: isLoad ? follow(memory.loadMs, loadMs) : memory.loadMs,
    loadShare: follow(memory.loadShare, isLoad ? 1 : 0),
    thrift: goal === null ? null : learnThrift(thrift, latencyMs <= goal.withinMs, goal.share),
    recent: [...memory.recent, { endedAtMs, latencyMs }].slice(-200),
  };
}

/** The job takes the place that became free last, as if the fleet had been just large enough. */
function matchGap(
  { gapsMs, freedAtMs }: ScaleMemory,
  claimedAtMs: number,
  endedAtMs: number,
): Pick<ScaleMemory, "gapsMs" | "freedAtMs"> {
  const taken = freedAtMs.findLastIndex((freed) => freed <= claimedAtMs);
  const left = freedAtMs.filter((_, index) => index !== taken);
  const gapMs = claimedAtMs - (freedAtMs[taken] ?? 0);
  return {
    gapsMs: taken === -1 ? gapsMs : [...gapsMs, gapMs].slice(-200),
    freedAtMs: [...left, endedAtMs].toSorted((one, other) => one - other).slice(-64),
  };
}

/** Takes in how many jobs arrived since `sinceMs`. */
export function learnArrivals(
  memory: ScaleMemory,
  jobs: number,
  sinceMs: number,
  nowMs: number,
): ScaleMemory {
  const elapsedMs = Math.max(1, nowMs - sinceMs);
  const share = 1 - Math.exp(-elapsedMs / rateWindowMs);
  const rate = (jobs * 1000) / elapsedMs;
  const minuteStartMs = Math.floor(nowMs / 60_000) * 60_000;
  const passed = Math.min(60, Math.round((minuteStartMs - memory.minuteStartMs) / 60_000));
  const ended =
    passed === 0 || memory.minuteStartMs === 0
      ? []
      : [memory.minuteJobs, ...Array.from({ length: passed - 1 }, () => 0)];
  return {
    ...memory,
    jobsPerSecond: memory.jobsPerSecond + share * (rate - memory.jobsPerSecond),
    minutes: [...memory.minutes, ...ended].slice(-60),
    minuteStartMs,
    minuteJobs: passed === 0 ? memory.minuteJobs + jobs : jobs,
    recent: memory.recent.filter(({ endedAtMs }) => endedAtMs > nowMs - recentMs),
  };
}

export function learnBoot(memory: ScaleMemory, platform: string, bootMs: number): ScaleMemory {
  const known = memory.bootMs[platform] ?? null;
  return { ...memory, bootMs: { ...memory.bootMs, [platform]: follow(known, bootMs, 0.2) } };
}

/** Variance over mean of the arrivals a minute; 1 until ten minutes are known. */
export function dispersionOf({ minutes }: ScaleMemory): number {
  if (minutes.length < 10) return 1;
  const mean = minutes.reduce((sum, count) => sum + count, 0) / minutes.length;
  if (mean === 0) return 1;
  const squares = minutes.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  return squares / minutes.length / mean;
}

export function p95LatencyMs({ recent }: ScaleMemory): number | null {
  if (recent.length < 5) return null;
  const sorted = recent.map(({ latencyMs }) => latencyMs).toSorted((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null;
}

/** What the fleet costs over what it does; null until a few jobs have ended lately. */
export function microUsdPerJob(
  { recent }: ScaleMemory,
  fleetMicroUsdPerHour: number,
): number | null {
  if (recent.length < 5) return null;
  const [first, last] = [recent[0], recent.at(-1)];
  const spanMs = Math.max(60_000, (last?.endedAtMs ?? 0) - (first?.endedAtMs ?? 0));
  return Math.round((fleetMicroUsdPerHour * spanMs) / 3_600_000 / recent.length);
}
