export const budgetPeriods = ["day", "month", "total"] as const;

/** Days and months are those of UTC. */
export type BudgetPeriod = (typeof budgetPeriods)[number];

/** Whose spending a budget bounds. */
export type BudgetOwner =
  | { readonly kind: "tenant"; readonly tenantId: number }
  | { readonly kind: "deployment"; readonly deploymentId: number };

export interface NewBudget {
  readonly owner: BudgetOwner;
  readonly period: BudgetPeriod;
  readonly capMicroUsd: number;
  /** Null: the price of the job's deployment for its longest run. */
  readonly reserveMicroUsd: number | null;
  /** Shares of the cap, in percent, at which to raise an alert. */
  readonly alertPercents: readonly number[];
}

export interface BudgetRecord {
  readonly id: number;
  /** Slugs; exactly one is not null. */
  readonly tenant: string | null;
  readonly deployment: string | null;
  readonly period: BudgetPeriod;
  readonly capMicroUsd: number;
  readonly reserveMicroUsd: number | null;
  readonly alertPercents: readonly number[];
  /** Settled in the present period. */
  readonly spentMicroUsd: number;
  /** Set aside for jobs that have not ended. */
  readonly reservedMicroUsd: number;
}

export interface BudgetAlert {
  readonly budgetId: number;
  readonly tenant: string | null;
  readonly deployment: string | null;
  readonly percent: number;
  readonly spentMicroUsd: number;
  readonly capMicroUsd: number;
}

/** An instance that runs on known hardware and has no price yet. */
export interface UnpricedInstance {
  readonly id: string;
  readonly platform: string;
  /** The platform's own name for it. */
  readonly gpu: string | null;
  readonly region: string | null;
  readonly isSpot: boolean;
}

/**
 * Hard caps. A submit sets money aside in its own transaction and is refused with
 * `insufficient_credits` where a budget has no room for it; the end of the job, however it comes,
 * settles what its attempts really cost.
 */
export interface BudgetStore {
  /** Makes the budget of its owner or changes it; what was spent in its period stays. */
  set(budget: NewBudget): Promise<BudgetRecord>;
  /** False: there is none. */
  remove(owner: BudgetOwner): Promise<boolean>;
  list(): Promise<readonly BudgetRecord[]>;
  /** Alerts raised since the last call, each once. */
  takeAlerts(limit: number): Promise<readonly BudgetAlert[]>;
  /** Of workers whose instance has no price of its own; null: unknown. False: no such deployment. */
  setDeploymentPrice(deploymentId: number, microUsdPerHour: number | null): Promise<boolean>;
  deploymentPrice(deploymentId: number): Promise<number | null>;
  /** Those that are there, newest first, so that some without an offer keep none from its price. */
  unpricedInstances(limit: number): Promise<readonly UnpricedInstance[]>;
  setInstancePrice(id: string, microUsdPerHour: number): Promise<void>;
}
