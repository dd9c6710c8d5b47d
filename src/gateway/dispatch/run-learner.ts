import { errorMessage } from "../../kernel/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import { correctedFinishTag } from "../../queue/virtual-start.ts";
import { estimateKeys } from "../../scheduler/estimate-keys.ts";
import { learnRun } from "../../scheduler/estimate.ts";
import type { Claim } from "../../store/attempts.ts";
import type { ObservedRun } from "../../store/estimates.ts";
import type { Store } from "../../store/store.ts";
import { chargedSeconds, shareOf } from "./share.ts";

const learnEveryMs = 1_000;
/** Beyond these, runs are not learned from and loads not remembered. */
const maxPending = 5_000;
const maxLoads = 10_000;
/** Of a run that also loaded models, at least this share counts as the run itself. */
const leastRunShare = 0.3;

interface Ended {
  readonly jobId: string;
  readonly epoch: number;
}

/**
 * Learns from what has run, a second later and in one go: run times, what tenants have used, and
 * what they were charged too much or too little.
 */
export class RunLearner {
  private readonly store: Store;
  private readonly logger: Logger;
  private pending: Ended[] = [];
  private readonly loads = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private learning: Promise<void> = Promise.resolve();

  constructor(store: Store, logger: Logger) {
    this.store = store;
    this.logger = logger;
  }

  /** A claim whose worker is expected to load models for so long first. */
  noteLoad({ jobId, epoch }: Claim, seconds: number): void {
    this.loads.set(`${jobId} ${epoch}`, seconds);
    const [oldest] = this.loads.keys();
    if (this.loads.size > maxLoads && oldest !== undefined) this.loads.delete(oldest);
  }

  noteEnded({ jobId, epoch }: Ended): void {
    if (this.pending.length >= maxPending) return;
    this.pending.push({ jobId, epoch });
    this.timer ??= setTimeout(() => void this.flush(), learnEveryMs);
    this.timer.unref();
  }

  /** Learns from what is pending now. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const ended = this.pending;
    this.pending = [];
    this.learning = this.learning
      .then(() => (ended.length === 0 ? undefined : this.learn(ended)))
      .catch((thrown: unknown) => {
        this.logger.warn({ cause: errorMessage(thrown) }, "run times could not be learned");
      });
    return this.learning;
  }

  private async learn(ended: readonly Ended[]): Promise<void> {
    const { estimates } = this.store;
    const runs = await estimates.observed(ended);
    if (runs.length === 0) return;
    const samples = runs.flatMap((run) => {
      const seconds = this.runSeconds(run);
      return estimateKeys(run).map((key) => ({ deploymentId: run.deploymentId, key, seconds }));
    });
    await estimates.learn(samples, (known, seconds) =>
      learnRun(known, { seconds, isCensored: false }),
    );
    await estimates.addUsage(runs.map(({ tenantId, busyMs }) => ({ tenantId, gpuMs: busyMs })));
    await this.correct(runs.filter((run) => run.isShared));
  }

  private runSeconds({ jobId, epoch, executeMs }: ObservedRun): number {
    const key = `${jobId} ${epoch}`;
    const loadSeconds = this.loads.get(key) ?? 0;
    this.loads.delete(key);
    return Math.max(executeMs / 1000 - loadSeconds, (executeMs / 1000) * leastRunShare);
  }

  /** What was charged was an estimate; the difference moves the tenant's clock. */
  private async correct(runs: readonly ObservedRun[]): Promise<void> {
    const { estimates } = this.store;
    const corrections = runs.map(async (run) => {
      const { deploymentId, tenantId } = run;
      const share = await shareOf(this.store, tenantId, deploymentId);
      const job = {
        estimateSeconds: chargedSeconds(run.estimateMs),
        actualSeconds: run.busyMs / 1000,
      };
      return { deploymentId, tenantId, seconds: correctedFinishTag(0, job, share) };
    });
    if (runs.length > 0) await estimates.correctClocks(await Promise.all(corrections));
  }
}
