import { z } from "zod";

import { err, ok, type Result } from "../../kernel/result.ts";
import type { Catalogue } from "../catalogue.ts";
import type { Offer } from "../schema.ts";

const itemSchema = z.object({
  currencyCode: z.string(),
  retailPrice: z.number().nonnegative(),
  armRegionName: z.string(),
  productName: z.string(),
  meterName: z.string(),
  skuName: z.string(),
  unitOfMeasure: z.string(),
  type: z.string(),
});

const pageSchema = z.object({
  Items: z.array(itemSchema),
  NextPageLink: z.string().nullish(),
});

export type AzurePricePage = Readonly<z.infer<typeof pageSchema>>;

/** The query of the Retail Prices API that lists every meter of Container Apps. */
export const azurePriceQuery = "?$filter=serviceName eq 'Azure Container Apps'";

export function parseAzurePage(reply: unknown): Result<AzurePricePage, string> {
  const parsed = pageSchema.safeParse(reply);
  return parsed.success ? ok(parsed.data) : err("the reply is no page of prices");
}

/** Which of its two cards a meter is for. */
const cards = [
  { pattern: /\bA100\b/iu, gpu: "a100-80" },
  { pattern: /\bT4\b/iu, gpu: "t4" },
] as const;

/**
 * Offers by region from the GPU meters; CPU, memory and their minimum are those that the catalogue
 * has for the card, since their meters are one for all.
 */
export function azureOffers(
  catalogue: Catalogue,
  pages: readonly AzurePricePage[],
  asOf: string,
): Result<readonly Offer[], string> {
  const offers = new Map<string, Offer>();
  for (const item of pages.flatMap(({ Items }) => Items)) {
    const name = `${item.productName} ${item.skuName} ${item.meterName}`;
    const card = cards.find(({ pattern }) => pattern.test(name))?.gpu;
    const perHour = hoursOf(item.unitOfMeasure);
    const isListPrice = item.currencyCode === "USD" && item.type === "Consumption";
    const base = catalogue.offers.find(
      (offer) => offer.platform === "container-apps" && offer.gpu === card,
    );
    if (card === undefined || base === undefined || perHour === undefined) continue;
    if (!isListPrice || !/GPU/iu.test(name) || item.retailPrice === 0) continue;
    const microUsd = Math.round(item.retailPrice * perHour * 1_000_000);
    offers.set(`${card}/${item.armRegionName}`, {
      ...base,
      region: item.armRegionName,
      published: `$${(microUsd / 1_000_000).toFixed(6)}/h`,
      gpuMicroUsdPerHour: microUsd,
      grade: "vendor",
      source: `Azure Retail Prices API, meter ${item.meterName}`.slice(0, 200),
      asOf,
    });
  }
  return offers.size === 0 ? err("the reply has no meter of a GPU") : ok([...offers.values()]);
}

/** How many of the meter's units an hour has. */
function hoursOf(unitOfMeasure: string): number | undefined {
  if (/^1 Hour$/iu.test(unitOfMeasure)) return 1;
  return /^1 Second$/iu.test(unitOfMeasure) ? 3_600 : undefined;
}
