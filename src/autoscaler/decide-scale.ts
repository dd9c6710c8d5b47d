import { coldStartMs } from "./cold-start.ts";
import { actingCourse, type ActingCourse } from "./course.ts";
import type { Consideration, ScaleDecision } from "./decision.ts";
import { planDrains } from "./drains.ts";
import { breakEvenMs, cheapestKeepAliveMs } from "./keep-alive.ts";
import { planLaunches } from "./launches.ts";
import { queueingFloor, waitProbability } from "./queueing-floor.ts";
import type { OfferView, ScaleSnapshot } from "./snapshot.ts";
import { countUsefulWorkers } from "./useful-workers.ts";

/**
 * How many workers a deployment is to have: new ones only where they would start some job sooner
 * than the fleet that is there or under way, idle ones as long as they cost less than coming back.
 * The same decision for the product and the simulator.
 */
export function decideScale(snapshot: ScaleSnapshot): ScaleDecision {
  const course = actingCourse(snapshot);
  const usual = usualOffer(snapshot);
  const startMs = usual === undefined ? 0 : coldStartMs(usual, snapshot.demand);
  const patienceMs = course.patienceShare * startMs;
  const because: Consideration[] = [];
  if (course.reason !== null) {
    because.push({ rule: "course", workers: 0, text: `${course.purpose}: ${course.reason}` });
  }
  const present = snapshot.workers.filter(({ state }) => state !== "draining").length;
  const wanted = wantedWorkers(snapshot, course, present, { patienceMs, startMs, because });
  const floor = floorOf(snapshot, course, because);
  const missing = Math.max(wanted, floor) - present;
  const reason = because.findLast(({ workers }) => workers > 0)?.text ?? "";
  const launches = planLaunches(snapshot, Math.max(0, missing), course.purpose, reason);
  const keepAliveMs = keepAliveOf(snapshot, course, usual, startMs);
  const drains = missing > 0 ? none : planDrains(snapshot, Math.max(floor, 0), () => keepAliveMs);
  const commands = [...launches.commands, ...drains.commands];
  const isShort = missing > 0 || snapshot.queue.queued > 0;
  return {
    commands,
    target: commands.reduce(
      (sum, command) => sum + (command.action === "launch" ? command.count : -1),
      present,
    ),
    because: [...because, ...launches.because, ...drains.because],
    patienceMs,
    keepAliveMs,
    batch: course.batch,
    reviewAtMs: isShort ? snapshot.nowMs : drains.reviewAtMs,
  };
}

const none = { commands: [], because: [], reviewAtMs: null };

/** What the backlog asks for, in workers altogether. */
function wantedWorkers(
  snapshot: ScaleSnapshot,
  course: ActingCourse,
  present: number,
  context: {
    readonly patienceMs: number;
    readonly startMs: number;
    readonly because: Consideration[];
  },
): number {
  const { nowMs, queue, workers } = snapshot;
  const { patienceMs, startMs, because } = context;
  if (queue.queued === 0) return 0;
  const useful = countUsefulWorkers({
    nowMs,
    jobs: queue.head,
    workers,
    patienceMs,
    coldStartMs: startMs,
  });
  const { lateJobs, usedBooting, newWorkers } = useful;
  if (lateJobs > 0) {
    const seconds = Math.round(patienceMs / 1000);
    const text =
      `${lateJobs} of ${queue.queued} jobs would wait for more than ${seconds} s: ` +
      `${usedBooting} for workers under way, ${newWorkers} for new ones`;
    because.push({ rule: "backlog", workers: newWorkers, text });
  }
  if (course.surgeWorkers > present + newWorkers) {
    const text = `at least ${course.surgeWorkers} for a backlog of ${queue.queued}`;
    because.push({ rule: "surge", workers: course.surgeWorkers, text });
  }
  return Math.max(present + newWorkers, course.surgeWorkers);
}

/** Workers that stay or come whatever the queue says. */
function floorOf(snapshot: ScaleSnapshot, course: ActingCourse, because: Consideration[]): number {
  const { bounds, policy, demand, floors } = snapshot;
  let floor = 0;
  const raise = (rule: Consideration["rule"], workers: number, text: string): void => {
    if (workers <= floor) return;
    floor = workers;
    because.push({ rule, workers, text });
  };
  raise("minimum", bounds.minWorkers, `at least ${bounds.minWorkers}`);
  const sigmas = course.purpose === "saving" ? 0 : policy.floorSigmas;
  const waiting = Math.round(100 * waitProbability(sigmas));
  const load = `with them ${waiting} % of the present load's jobs wait`;
  raise("load_floor", queueingFloor(demand, sigmas), load);
  for (const { workers, reason } of floors) raise("schedule", workers, reason);
  return Math.min(floor, bounds.maxWorkers);
}

/** The offer that most workers come from, or the cheapest: what a worker costs here. */
function usualOffer({ offers, workers }: ScaleSnapshot): OfferView | undefined {
  const counts = new Map<string, number>();
  for (const { offer } of workers) counts.set(offer, (counts.get(offer) ?? 0) + 1);
  return offers.toSorted(
    (left, right) =>
      (counts.get(right.id) ?? 0) - (counts.get(left.id) ?? 0) ||
      left.microUsdPerHour - right.microUsdPerHour ||
      (left.id < right.id ? -1 : 1),
  )[0];
}

function keepAliveOf(
  { policy, demand }: ScaleSnapshot,
  course: ActingCourse,
  usual: OfferView | undefined,
  startMs: number,
): number {
  if (usual === undefined) return policy.maxKeepAliveMs;
  const returnMs = breakEvenMs(startMs, course.coldStartMicroUsd, usual);
  const learned =
    policy.keepAlive === "empirical" ? cheapestKeepAliveMs(demand.gapsMs, returnMs) : undefined;
  return Math.min(learned ?? returnMs, policy.maxKeepAliveMs);
}
