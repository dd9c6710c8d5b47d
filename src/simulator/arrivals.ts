import type { SimJob } from "./sim-job.ts";
import type { Timeline } from "./timeline.ts";

/** Puts one arrival at a time on the timeline, so that it stays short. */
export function arrive(
  timeline: Timeline,
  jobs: readonly SimJob[],
  submit: (job: SimJob) => void,
): void {
  let next = 0;
  const submitNext = (): void => {
    const job = jobs[next++];
    if (job !== undefined) submit(job);
    scheduleNext();
  };
  const scheduleNext = (): void => {
    const job = jobs[next];
    if (job !== undefined) timeline.at(job.arrivalSeconds, submitNext);
  };
  scheduleNext();
}
