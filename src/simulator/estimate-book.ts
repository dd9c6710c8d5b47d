import { estimateRunSeconds, learnRun, type RunEstimate } from "../scheduler/estimate.ts";
import type { SimJob } from "./sim-job.ts";

/** Before anything has run: a picture of a mid-size model. */
const fallbackSeconds = 20;

/** Run times learned as the simulation goes, by kind, by model and over all. */
export class EstimateBook {
  private readonly known = new Map<string, RunEstimate>();

  estimateSeconds(job: SimJob): number {
    const ladder = rungsOf(job).map((rung) => this.known.get(rung));
    return estimateRunSeconds(ladder, fallbackSeconds);
  }

  learn(job: SimJob, seconds: number): void {
    for (const rung of rungsOf(job)) {
      this.known.set(rung, learnRun(this.known.get(rung), { seconds, isCensored: false }));
    }
  }
}

function rungsOf(job: SimJob): readonly string[] {
  return [`kind ${job.kind}`, `model ${job.model}`, "all"];
}
