import { gpuOfDevice, type Catalogue } from "../catalogue/catalogue.ts";
import type { Offer } from "../catalogue/schema.ts";

/** What a platform says that an instance runs on, in the platform's own words. */
export interface NamedHardware {
  readonly gpu: string | null;
  readonly region: string | null;
}

/**
 * The price of what really ran: by the platform's name of the GPU or machine, by the catalogue's,
 * or by the card's own. The region's own price wins, then one for any region, then any other's:
 * the catalogue may know a GPU in one region only. Undefined where it has no price.
 */
export function actualOffer(
  catalogue: Catalogue,
  platform: string,
  hardware: NamedHardware,
): Offer | undefined {
  const name = hardware.gpu;
  if (name === null) return undefined;
  const offers = catalogue.offers.filter((offer) => offer.platform === platform);
  const card = gpuOfDevice(catalogue, name)?.id;
  const matching = offers.filter((offer) => isNamed(offer, name) || offer.gpu === card);
  const ranked = [hardware.region, "any"].map((region) =>
    matching.find((offer) => offer.region === region),
  );
  return ranked.find((offer) => offer !== undefined) ?? matching[0];
}

function isNamed(offer: Offer, name: string): boolean {
  const wanted = name.toLowerCase();
  const names = [offer.gpu, `nvidia-${offer.gpu}`, offer.platformGpu?.toLowerCase()];
  return names.includes(wanted);
}
