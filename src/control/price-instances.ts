import type { Catalogue } from "../catalogue/catalogue.ts";
import { offerOf } from "../catalogue/match.ts";
import { hourlyRate } from "../cost/rate.ts";
import type { Logger } from "../observability/logger.ts";
import type { Platform } from "../platforms/platform.ts";
import type { Store } from "../store/store.ts";

const batch = 200;

/** All-in, of an instance that a platform would launch; 0 where nothing is known or paid. */
export function launchPrice(catalogue: Catalogue, platform: Platform): number {
  const { gpu, region } = platform.offer;
  const offer = offerOf(catalogue, { platform: platform.name, gpu, region });
  return offer === undefined ? 0 : hourlyRate(offer).totalMicroUsd;
}

/**
 * Gives instances the price of what they run on, once, so that a later price changes no past cost.
 * Those without an offer keep the price of their deployment.
 */
export async function priceInstances(
  store: Store,
  catalogue: Catalogue,
  logger: Logger,
): Promise<void> {
  for (const instance of await store.budgets.unpricedInstances(batch)) {
    const offer = offerOf(catalogue, instance);
    // Spot prices are not in the catalogue; the deployment's own price is nearer than the full one.
    if (offer === undefined || instance.isSpot) continue;
    const { totalMicroUsd } = hourlyRate(offer);
    await store.budgets.setInstancePrice(instance.id, totalMicroUsd);
    const { id, platform } = instance;
    logger.debug({ instance: id, platform, gpu: offer.gpu, totalMicroUsd }, "instance priced");
  }
}
