import type { ScaleDecision } from "../../autoscaler/decision.ts";
import type { ScaleSnapshot } from "../../autoscaler/snapshot.ts";
import type { Logger } from "../../observability/logger.ts";
import type { Store } from "../../store/store.ts";

/** Stores decisions that do something, and others only when they come out differently. */
export class DecisionLog {
  private readonly store: Store;
  private readonly logger: Logger;
  private readonly last = new Map<number, string>();

  constructor(store: Store, logger: Logger) {
    this.store = store;
    this.logger = logger;
  }

  /** Before the decision is carried out, so that nothing happens without its reason. */
  async record(
    deploymentId: number,
    deployment: string,
    snapshot: ScaleSnapshot,
    decision: ScaleDecision,
  ): Promise<void> {
    const { commands, target, because } = decision;
    const outcome = JSON.stringify([target, because.map(({ rule, workers }) => [rule, workers])]);
    if (commands.length === 0 && this.last.get(deploymentId) === outcome) return;
    this.last.set(deploymentId, outcome);
    await this.store.scaling.recordDecision({ deploymentId, snapshot, decision });
    for (const command of commands) this.logger.info({ deployment, ...command }, "scale");
  }
}
