import { randomUUID } from "node:crypto";

import { Claimer } from "../../src/gateway/dispatch/claimer.ts";
import { DecisionLog } from "../../src/gateway/dispatch/decision-log.ts";
import { PoolViews } from "../../src/gateway/dispatch/pool-views.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";

/** What the parent process asks of a gateway. */
export interface GatewayPlan {
  readonly url: string;
  readonly deploymentId: number;
  readonly workerIds: readonly string[];
  readonly claims: number;
  readonly batch: number;
}

export interface GatewayFigures {
  readonly claimed: number;
  readonly callMs: readonly number[];
}

/** One gateway process: claims for its workers, batch after batch, as the product does. */
process.send?.("ready");
process.once("message", (plan: GatewayPlan) => {
  void run(plan).then((figures) =>
    process.send?.(figures, () => process.connected && process.disconnect()),
  );
});

async function run(plan: GatewayPlan): Promise<GatewayFigures> {
  const { url, deploymentId, workerIds, batch } = plan;
  const store = await openPostgresStore({ connectionString: url, maxConnections: 4 });
  const logger = createLogger({ level: "warn" });
  const clock = { now: Date.now };
  const views = new PoolViews(store, clock, logger);
  const log = new DecisionLog(store.decisions, clock, logger);
  const claimer = new Claimer({ store, views, log, leaseMs: 3_600_000, newId: randomUUID });
  await views.current(deploymentId, workerIds);
  const callMs: number[] = [];
  let claimed = 0;
  let empty = 0;
  for (let at = 0; claimed < plan.claims && empty < 1_000; at += batch) {
    const asking = new Map<string, undefined>();
    for (let index = 0; index < batch; index++) {
      asking.set(workerIds[(at + index) % workerIds.length] ?? "", undefined);
    }
    const before = performance.now();
    const claims = await claimer.claim(deploymentId, asking);
    callMs.push(performance.now() - before);
    claimed += claims.length;
    if (claims.length === 0) empty++;
  }
  await log.flush();
  await store.close();
  return { claimed, callMs };
}
