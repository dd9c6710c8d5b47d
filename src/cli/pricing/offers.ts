import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { Offer, Platform } from "../../catalogue/schema.ts";
import { CliFailure } from "../failure.ts";

/** The platforms named by `--platform`, or all. Errors: `usage` naming those that there are. */
export function platformsOf(catalogue: Catalogue, names: readonly string[]): readonly Platform[] {
  if (names.length === 0) return catalogue.platforms;
  return names.map((name) => {
    const platform = catalogue.platformById.get(name);
    if (platform !== undefined) return platform;
    const known = catalogue.platforms.map(({ id }) => id).join(", ");
    throw new CliFailure("usage", `There is no platform ${name}; there are ${known}.`);
  });
}

/** Offers of these platforms, and of one card where it is named. */
export function offersOf(
  catalogue: Catalogue,
  platforms: readonly Platform[],
  gpu: string | undefined,
): readonly Offer[] {
  const ids = new Set(platforms.map(({ id }) => id));
  const offers = catalogue.offers.filter(
    (offer) => ids.has(offer.platform) && (gpu === undefined || offer.gpu === gpu),
  );
  if (offers.length > 0) return offers;
  const where = [...ids].join(", ");
  throw new CliFailure("usage", `There is no offer of ${gpu ?? "a card"} on ${where}.`, {
    hint: "hearth catalogue ls shows what is offered where.",
  });
}
