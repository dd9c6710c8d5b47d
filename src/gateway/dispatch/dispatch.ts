import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import type { Store } from "../../store/store.ts";
import { BatchDispatcher } from "../batch-dispatcher.ts";
import type { Dispatcher } from "../dispatcher.ts";
import { Claimer } from "./claimer.ts";
import { DecisionLog } from "./decision-log.ts";
import { PoolViews } from "./pool-views.ts";
import { RunLearner } from "./run-learner.ts";

export interface DispatchOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly leaseMs: number;
  newId(): string;
}

/** What a gateway has jobs claimed with, and learns from what they took. */
export interface Dispatch {
  readonly dispatcher: Dispatcher;
  readonly learner: RunLearner;
  /** Answers those that wait, and writes down what is pending. */
  close(): Promise<void>;
}

export function createDispatch(options: DispatchOptions): Dispatch {
  const { store, logger, clock } = options;
  const learner = new RunLearner(store, logger);
  const log = new DecisionLog(store.decisions, clock, logger);
  const views = new PoolViews(store, clock, logger);
  const claimer = new Claimer({
    ...options,
    views,
    log,
    onLoad: (claim, seconds) => learner.noteLoad(claim, seconds),
  });
  const dispatcher = new BatchDispatcher({ store, logger, views, claimer });
  return {
    dispatcher,
    learner,
    close: async () => {
      dispatcher.close();
      await Promise.all([log.flush(), learner.flush()]);
    },
  };
}
