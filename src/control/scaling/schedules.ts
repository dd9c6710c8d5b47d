import { Cron } from "croner";

import type { WarmSchedule } from "../../autoscaler/settings.ts";
import type { WorkerFloor } from "../../autoscaler/snapshot.ts";

/**
 * What the schedules want at `nowMs`: also those that begin within `leadMs`, so that their workers
 * are ready on time. The pattern and the time zone are read by croner, daylight saving included.
 */
export function scheduledFloors(
  schedules: readonly WarmSchedule[],
  nowMs: number,
  leadMs: number,
): readonly WorkerFloor[] {
  return schedules.flatMap((schedule) => {
    const cron = new Cron(schedule.cron, { timezone: schedule.timezone, paused: true });
    // The first begin after that long ago is the one that still lasts, or the next.
    const begins = cron.nextRun(new Date(nowMs - schedule.forMs));
    if (begins === null || begins.getTime() - leadMs > nowMs) return [];
    return [{ workers: schedule.workers, reason: `schedule ${schedule.name}` }];
  });
}

/** What is wrong with a schedule; undefined if nothing is. */
export function scheduleFault(schedule: WarmSchedule): string | undefined {
  try {
    const cron = new Cron(schedule.cron, { timezone: schedule.timezone, paused: true });
    return cron.nextRun(new Date(0)) === null ? "it never comes" : undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
