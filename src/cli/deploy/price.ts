import type { Catalogue } from "../../catalogue/catalogue.ts";
import { fitPlatform, type Needs } from "../../catalogue/fit.ts";
import { actualOffer } from "../../cost/actual-offer.ts";
import { hourlyRate } from "../../cost/rate.ts";
import type { ReleaseContent } from "../../deploy/plan/release.ts";
import { formatMicroUsd } from "../../kernel/money.ts";

export interface HourlyPrice {
  readonly minMicroUsd: number;
  readonly maxMicroUsd: number;
  readonly source: string;
  readonly asOf: string;
}

/** An hour of the fewest and of the most workers; null where no price is known. */
export function priceOf(catalogue: Catalogue, content: ReleaseContent): HourlyPrice | null {
  const { platform, gpu, region, cpuCores: vcpus, memoryGib, minWorkers, maxWorkers } = content;
  const offer = actualOffer(catalogue, platform, { gpu, region });
  if (offer === undefined) return null;
  const { totalMicroUsd } = hourlyRate(offer, { vcpus, memoryGib });
  const { source, asOf } = offer;
  return {
    minMicroUsd: totalMicroUsd * minWorkers,
    maxMicroUsd: totalMicroUsd * maxWorkers,
    source,
    asOf,
  };
}

export function priceText(price: HourlyPrice | null, content: ReleaseContent): string {
  if (price === null) return `no price is known for ${content.gpu} on ${content.platform}`;
  const [least, most] = [price.minMicroUsd, price.maxMicroUsd].map(formatMicroUsd);
  const { minWorkers, maxWorkers } = content;
  return `${least ?? ""} an hour with ${minWorkers} worker(s), ${most ?? ""} with ${maxWorkers} (as of ${price.asOf})`;
}

/** What `hearth check` would say, as sentences. */
export function warningsOf(
  catalogue: Catalogue,
  { platform: id, gpu, maxWorkers }: ReleaseContent,
  vramBytes: number | null,
): readonly string[] {
  const platform = catalogue.platformById.get(id);
  if (platform === undefined) return [];
  const needs: Needs = {
    vramBytes,
    memoryBytes: null,
    imageBytes: null,
    runMs: null,
    requestBytes: null,
    responseBytes: null,
    instances: maxWorkers,
    gpus: [gpu],
  };
  return fitPlatform(catalogue, platform, needs)
    .checks.filter(({ holds }) => !holds)
    .map(
      ({ need, needed, allowed, note }) =>
        `${need}: ${needed} asked for, ${allowed ?? "?"} allowed${note === "" ? "" : ` (${note})`}`,
    );
}
