import { errorMessage } from "../../kernel/errors.ts";
import { learnOutOfMemory, learnPeak } from "../../memory/footprint.ts";
import type { FailRequest } from "../../protocol/worker-link.ts";
import type { AttemptRef } from "../../store/attempts.ts";
import { AccessCache } from "../access-cache.ts";
import type { GatewayContext } from "../context.ts";

const cacheMs = 5_000;
/** Lessons under way at once; a flood of them is worth no more than its first. */
const maxLessons = 64;

/** What is learned of the memory that runs take, and what workers are told of it. */
export class MemoryLessons {
  private readonly context: GatewayContext;
  private readonly largest: AccessCache<number>;
  private underWay = 0;

  constructor(context: GatewayContext) {
    this.context = context;
    this.largest = new AccessCache(context.clock, cacheMs);
  }

  /** The most memory that a card of the deployment has, some seconds old. */
  largestCardBytes(deploymentId: number): Promise<number> {
    const { workers } = this.context.store;
    return this.largest.get(String(deploymentId), () => workers.largestCardBytes(deploymentId));
  }

  /** A run ended well and took so much. The worker does not wait for it. */
  peak(attempt: AttemptRef, peakBytes: number | undefined): void {
    if (peakBytes === undefined) return;
    void this.learn(attempt, (known) => learnPeak(known, peakBytes));
  }

  /** A run was out of memory. To be awaited before the job is queued again. */
  async outOfMemory(attempt: AttemptRef, { failureClass, memory }: FailRequest): Promise<void> {
    if (failureClass !== "out_of_memory" || memory === undefined) return;
    const { reckonedBytes, availableBytes } = memory;
    // A worker that does not know its card teaches nothing.
    if (availableBytes === 0) return;
    await this.learn(attempt, (known, cardBytes) =>
      learnOutOfMemory(known, reckonedBytes, Math.min(availableBytes, cardBytes)),
    );
  }

  /** Never rejects: what is not learned now is learned from the next run. */
  private async learn(
    attempt: AttemptRef,
    step: Parameters<GatewayContext["store"]["footprints"]["learn"]>[1],
  ): Promise<void> {
    if (this.underWay >= maxLessons) return;
    this.underWay++;
    try {
      await this.context.store.footprints.learn(attempt, step);
    } catch (thrown) {
      const fields = { jobId: attempt.jobId, cause: errorMessage(thrown) };
      this.context.logger.warn(fields, "what a run took of its card was not noted");
    } finally {
      this.underWay--;
    }
  }
}
