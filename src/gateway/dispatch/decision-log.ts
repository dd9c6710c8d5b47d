import { errorMessage } from "../../kernel/errors.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import type { RoundDecision, RoundInput } from "../../scheduler/round.ts";
import type { Claim } from "../../store/attempts.ts";
import type { DecisionStore, NewDecisionRound } from "../../store/decisions.ts";

/** Rounds kept a second on average; a fleet of GPUs decides far less often than that. */
const roundsPerSecond = 20;
/** So many may come at once. */
const burst = 100;
const flushMs = 200;

/**
 * Keeps what was decided and from what, in passing: claims do not wait for it, and what comes faster
 * than it may be written is left out.
 */
export class DecisionLog {
  private readonly store: DecisionStore;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private pending: NewDecisionRound[] = [];
  private allowance = burst;
  private filledAtMs: number;
  private timer: NodeJS.Timeout | undefined;
  /** What idle workers were told last, by deployment: told again, it is no news. */
  private readonly lastIdle = new Map<number, string>();

  constructor(store: DecisionStore, clock: Clock, logger: Logger) {
    this.store = store;
    this.clock = clock;
    this.logger = logger;
    this.filledAtMs = clock.now();
  }

  add(
    deploymentId: number,
    input: RoundInput,
    decisions: readonly RoundDecision[],
    claims: readonly Claim[],
  ): void {
    if (!this.isNews(deploymentId, decisions) || !this.isAllowed()) return;
    const jobOf = new Map(claims.map((claim) => [claim.workerId, claim.jobId]));
    this.pending.push({
      deploymentId,
      input,
      decisions: decisions.map(({ workerId, decision }) => ({
        workerId,
        choice: decision.choice,
        claimedJobId: jobOf.get(workerId) ?? null,
      })),
    });
    this.timer ??= setTimeout(() => void this.flush(), flushMs);
    this.timer.unref();
  }

  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const rounds = this.pending;
    this.pending = [];
    if (rounds.length === 0) return;
    await this.store.save(rounds).catch((thrown: unknown) => {
      this.logger.warn({ cause: errorMessage(thrown) }, "decisions could not be kept");
    });
  }

  private isNews(deploymentId: number, decisions: readonly RoundDecision[]): boolean {
    if (decisions.some(({ decision }) => decision.choice.kind === "run")) {
      this.lastIdle.delete(deploymentId);
      return true;
    }
    const told = JSON.stringify(
      decisions.map(({ workerId, decision }) => [
        workerId,
        decision.choice,
        decision.passedOver.map(({ head, verdict }) => [head.job.jobId, verdict]),
      ]),
    );
    if (this.lastIdle.get(deploymentId) === told) return false;
    this.lastIdle.set(deploymentId, told);
    return true;
  }

  private isAllowed(): boolean {
    const nowMs = this.clock.now();
    const earned = ((nowMs - this.filledAtMs) / 1000) * roundsPerSecond;
    this.allowance = Math.min(burst, this.allowance + earned);
    this.filledAtMs = nowMs;
    if (this.allowance < 1) return false;
    this.allowance--;
    return true;
  }
}
