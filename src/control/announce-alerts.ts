import { formatMicroUsd } from "../kernel/money.ts";
import type { Logger } from "../observability/logger.ts";
import type { Store } from "../store/store.ts";

const batch = 100;

/** Logs each alert of a budget once; a crash in between loses the line, never the alert's record. */
export async function announceAlerts(store: Store, logger: Logger): Promise<void> {
  for (const alert of await store.budgets.takeAlerts(batch)) {
    const { tenant, deployment, percent, spentMicroUsd, capMicroUsd } = alert;
    const spent = formatMicroUsd(spentMicroUsd);
    const cap = formatMicroUsd(capMicroUsd);
    logger.warn({ tenant, deployment, percent, spent, cap }, "a budget has reached a share");
  }
}
