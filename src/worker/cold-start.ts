import type { EnrollResponse, Timings } from "../protocol/worker-link.ts";
import type { ComfySession } from "./comfyui/session.ts";

/** What an attempt tells of the start of its worker. */
export interface ColdPhases {
  readonly timings: Pick<Timings, "capacityMs" | "imageMs" | "processMs">;
  /** Models that arrived since then, on the clock of `performance.now`, were brought for it. */
  readonly sinceMs: number;
}

/** The phases of a worker's start, each told with the first attempt that came after it. */
export class ColdStart {
  private toldGeneration = 0;

  take(session: ComfySession, launch: EnrollResponse["launch"]): ColdPhases {
    const isFirst = this.toldGeneration === 0;
    if (session.generation === this.toldGeneration) {
      return { timings: {}, sinceMs: performance.now() };
    }
    this.toldGeneration = session.generation;
    const processMs = Math.round(session.readyAfterMs);
    const launchPhases = isFirst && launch !== null ? launch : {};
    const sinceMs = isFirst ? 0 : performance.now();
    return { timings: { ...launchPhases, processMs }, sinceMs };
  }
}
