import { request } from "undici";

import type { Catalogue } from "../../catalogue/catalogue.ts";
import { azureOffers, azurePriceQuery, parseAzurePage } from "../../catalogue/published/azure.ts";
import { runpodCataloguePath, runpodOffers } from "../../catalogue/published/runpod.ts";
import type { Offer } from "../../catalogue/schema.ts";
import { errorMessage } from "../../kernel/errors.ts";
import { err, type Result } from "../../kernel/result.ts";
import type { Io } from "../output.ts";

/** A platform that publishes its prices through an API. */
export interface PriceSource {
  readonly platform: string;
  /** The reason is for the user, and holds no key. */
  readonly fetch: (catalogue: Catalogue, asOf: string) => Promise<Result<readonly Offer[], string>>;
}

const runpodUrl = "https://api.runpod.io/v2";
const azureUrl = "https://prices.azure.com/api/retail/prices";
const timeoutMs = 20_000;
const maxReplyBytes = 16 * 1024 * 1024;
/** Of 100 rows each; Container Apps has a few hundred. */
const maxPages = 30;

/** Every source; addresses may be set for mirrors: `HEARTH_RUNPOD_API`, `HEARTH_AZURE_PRICES`. */
export function priceSources(environment: Io["environment"]): readonly PriceSource[] {
  const key = environment["RUNPOD_API_KEY"] ?? "";
  const runpod = environment["HEARTH_RUNPOD_API"] || runpodUrl;
  const azure = environment["HEARTH_AZURE_PRICES"] || azureUrl;
  return [
    {
      platform: "runpod",
      fetch: async (catalogue, asOf) => {
        if (key === "") return err("skipped: RUNPOD_API_KEY is not set");
        const headers = { authorization: `Bearer ${key}` };
        return guarded(async () =>
          runpodOffers(catalogue, await getJson(runpod + runpodCataloguePath, headers), asOf),
        );
      },
    },
    {
      platform: "container-apps",
      fetch: (catalogue, asOf) => guarded(() => azurePages(catalogue, azure, asOf)),
    },
  ];
}

async function azurePages(
  catalogue: Catalogue,
  base: string,
  asOf: string,
): Promise<Result<readonly Offer[], string>> {
  const pages = [];
  let url: string = encodeURI(base + azurePriceQuery);
  for (let count = 0; count < maxPages; count++) {
    const page = parseAzurePage(await getJson(url, {}));
    if (!page.ok) return page;
    pages.push(page.value);
    const next = page.value.NextPageLink ?? "";
    // A page leads only to the same server.
    if (next === "" || new URL(next).host !== new URL(base).host) break;
    url = next;
  }
  return azureOffers(catalogue, pages, asOf);
}

async function guarded<T>(action: () => Promise<Result<T, string>>): Promise<Result<T, string>> {
  try {
    return await action();
  } catch (thrown) {
    return err(errorMessage(thrown));
  }
}

async function getJson(url: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const answer = await request(url, {
    headers: { accept: "application/json", ...headers },
    signal: AbortSignal.timeout(timeoutMs),
  });
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxReplyBytes) throw new Error("the reply is too large");
    chunks.push(chunk);
  }
  if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}`);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}
