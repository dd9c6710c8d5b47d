import type { Logger } from "../observability/logger.ts";
import type { Store } from "../store/store.ts";

const batch = 500;
/** A pass ends after this many batches; the next one goes on. */
const maxBatches = 20;

/** Expires queued jobs past their deadline and wakes those who wait for them. */
export async function expireOverdue(store: Store, logger: Logger): Promise<void> {
  for (let round = 0; round < maxBatches; round++) {
    const expired = await store.control.expireOverdueJobs(batch);
    for (const jobId of expired) store.signals.publish("job", jobId);
    if (expired.length > 0) logger.info({ count: expired.length }, "jobs expired in the queue");
    if (expired.length < batch) return;
  }
}
