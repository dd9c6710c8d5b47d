import type { AccessStore } from "./access.ts";
import type { AssetStore } from "./assets.ts";
import type { AttemptStore } from "./attempts.ts";
import type { BudgetStore } from "./budgets.ts";
import type { ControlStore, Leadership, Signals } from "./control.ts";
import type { DecisionStore } from "./decisions.ts";
import type { EstimateStore } from "./estimates.ts";
import type { FootprintStore } from "./footprints.ts";
import type { JobStore } from "./jobs.ts";
import type { QueueStore } from "./queue.ts";
import type { ReleaseStore } from "./releases.ts";
import type { ScalingStore } from "./scaling.ts";
import type { TenantStore } from "./tenants.ts";
import type { UsageStore } from "./usage.ts";
import type { WorkerStore } from "./workers.ts";

/**
 * Everything durable. One port over Postgres >= 15; `store.suite.ts` is its contract. Errors:
 * `database_unavailable` when the server cannot be reached, anything else is a defect.
 */
export interface Store {
  readonly jobs: JobStore;
  readonly attempts: AttemptStore;
  readonly workers: WorkerStore;
  readonly assets: AssetStore;
  readonly access: AccessStore;
  readonly budgets: BudgetStore;
  readonly footprints: FootprintStore;
  readonly usage: UsageStore;
  readonly control: ControlStore;
  readonly releases: ReleaseStore;
  readonly scaling: ScalingStore;
  readonly queue: QueueStore;
  readonly estimates: EstimateStore;
  readonly decisions: DecisionStore;
  readonly tenants: TenantStore;
  readonly signals: Signals;
  /** Undefined where another process leads. */
  tryLead(): Promise<Leadership | undefined>;
  close(): Promise<void>;
}
