import type { TenantShare } from "../../queue/virtual-start.ts";
import type { Store } from "../../store/store.ts";

/** A job of which nothing is known is charged for this much. */
const unknownJobSeconds = 1;

export function chargedSeconds(estimateMs: number): number {
  return estimateMs > 0 ? estimateMs / 1000 : unknownJobSeconds;
}

/** What a tenant may count on in a shared pool. */
export async function shareOf(
  store: Store,
  tenantId: number,
  deploymentId: number,
): Promise<TenantShare> {
  const [weights, fleet] = await Promise.all([
    store.tenants.shareOf(tenantId, deploymentId),
    store.queue.fleet(deploymentId),
  ]);
  return { ...weights, workers: fleet.length };
}
