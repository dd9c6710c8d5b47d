import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { ageDays } from "../../catalogue/staleness.ts";
import type { Offer } from "../../catalogue/schema.ts";
import { seedCatalogue } from "../../catalogue/seed.ts";
import { hourlyRate } from "../../cost/rate.ts";
import { formatMicroUsd } from "../../kernel/money.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { catalogueOf, refreshedFile } from "../pricing/catalogue-of.ts";
import { offersOf, platformsOf } from "../pricing/offers.ts";
import { priceSources } from "../pricing/refresh.ts";
import { formatTable } from "../table.ts";
import { staleNotes } from "./cost.ts";

export interface CatalogueFlags {
  readonly platforms: readonly string[];
  readonly gpu: string | undefined;
}

/** `hearth catalogue ls`: what is offered where, at what price, and how old the price is. */
export async function listOffers(context: CommandContext, flags: CatalogueFlags): Promise<void> {
  const catalogue = await catalogueOf(context);
  const offers = offersOf(catalogue, platformsOf(catalogue, flags.platforms), flags.gpu);
  const nowMs = Date.now();
  const vram = (offer: Offer): string => `${catalogue.gpuById.get(offer.gpu)?.vramGib ?? "?"} GiB`;
  const text = formatTable(offers, [
    { title: "PLATFORM", text: ({ platform }) => platform },
    { title: "CARD", text: ({ gpu }) => gpu },
    { title: "MEMORY", text: vram, align: "right" },
    { title: "REGION", text: ({ region }) => region },
    { title: "PUBLISHED", text: ({ published }) => published, align: "right" },
    {
      title: "HOUR",
      text: (offer) => formatMicroUsd(hourlyRate(offer).totalMicroUsd),
      align: "right",
    },
    { title: "GRADE", text: ({ grade }) => grade },
    { title: "AGE", text: ({ asOf }) => `${ageDays(asOf, nowMs)} d`, align: "right" },
    { title: "SOURCE", text: ({ source }) => source },
  ]);
  context.output.result(offers, text);
  for (const note of staleNotes(catalogue, offers.length)) context.output.note(note);
}

interface Refreshed {
  readonly platform: string;
  readonly offers: number;
  /** Empty where it went well. */
  readonly reason: string;
}

/** `hearth catalogue refresh`: today's prices from the platforms that publish them. */
export async function refreshCatalogue(
  context: CommandContext,
  flags: { readonly platforms: readonly string[] },
): Promise<void> {
  const { dataDir } = await settingsOf(context);
  const catalogue = await catalogueOf(context);
  const asked = new Set(platformsOf(catalogue, flags.platforms).map(({ id }) => id));
  const sources = priceSources(context.io.environment).filter(({ platform }) =>
    asked.has(platform),
  );
  const asOf = new Date().toISOString().slice(0, 10);
  const fetched: Offer[] = [];
  const outcomes: Refreshed[] = [];
  for (const { platform, fetch } of sources) {
    const offers = await fetch(catalogue, asOf);
    if (offers.ok) fetched.push(...offers.value);
    const reason = offers.ok ? "" : offers.error;
    outcomes.push({ platform, offers: offers.ok ? offers.value.length : 0, reason });
  }
  if (fetched.length === 0) {
    throw new CliFailure("checks_failed", "No platform gave its prices.", {
      hint: "RunPod wants RUNPOD_API_KEY; the other platforms publish no API: use a prices file.",
      details: { outcomes },
    });
  }
  await saveRefreshed(dataDir, catalogue.offers, fetched);
  const text = formatTable(outcomes, [
    { title: "PLATFORM", text: ({ platform }) => platform },
    { title: "PRICES", text: ({ offers }) => String(offers), align: "right" },
    { title: "REASON", text: ({ reason }) => reason },
  ]);
  context.output.result(outcomes, text);
}

/** Earlier refreshed prices of other platforms stay; the file is replaced as a whole. */
async function saveRefreshed(
  dataDir: string,
  known: readonly Offer[],
  fetched: readonly Offer[],
): Promise<void> {
  const fresh = new Set(fetched.map(({ platform }) => platform));
  const shipped = new Set(seedCatalogue().offers.map((offer) => JSON.stringify(offer)));
  const kept = known.filter(
    (offer) =>
      !fresh.has(offer.platform) &&
      offer.grade !== "operator" &&
      !shipped.has(JSON.stringify(offer)),
  );
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, refreshedFile);
  await writeFile(`${path}.new`, `${JSON.stringify({ offers: [...kept, ...fetched] }, null, 2)}\n`);
  await rename(`${path}.new`, path);
}
