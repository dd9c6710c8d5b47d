import { ageDays } from "../../catalogue/staleness.ts";
import type { Offer } from "../../catalogue/schema.ts";
import { hourlyRate } from "../../cost/rate.ts";
import { formatMicroUsd } from "../../kernel/money.ts";
import type { CommandContext } from "../command-context.ts";
import { catalogueOf } from "../pricing/catalogue-of.ts";
import { offersOf, platformsOf } from "../pricing/offers.ts";
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
