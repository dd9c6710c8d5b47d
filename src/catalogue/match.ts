import type { Catalogue } from "./catalogue.ts";
import { gpuOfDevice } from "./catalogue.ts";
import type { Offer } from "./schema.ts";

/** What an instance runs on, as its platform names it. */
export interface RunningHardware {
  /** The platform's id, or one with an ending of the operator's: "runpod-eu". */
  readonly platform: string;
  readonly gpu: string | null;
  readonly region: string | null;
}

/**
 * The offer under which an instance runs: of its platform, for what the platform calls the card or
 * the machine; in its region if there is one of that, else the dearest. Undefined: none is known.
 */
export function offerOf(catalogue: Catalogue, hardware: RunningHardware): Offer | undefined {
  const { gpu, region } = hardware;
  const platform = platformCalled(catalogue, hardware.platform);
  const offers = catalogue.offers.filter((offer) => offer.platform === platform);
  if (gpu === null) return undefined;
  const card = catalogue.gpuById.get(gpu)?.id ?? gpuOfDevice(catalogue, gpu)?.id;
  const named = offers.filter((offer) => offer.gpu === card || isCalled(offer, gpu));
  const there = named.filter((offer) => offer.region === region);
  const candidates = there.length > 0 ? there : named;
  return candidates.toSorted(
    (left, right) => right.gpuMicroUsdPerHour - left.gpuMicroUsdPerHour,
  )[0];
}

function platformCalled(catalogue: Catalogue, name: string): string | undefined {
  const ids = catalogue.platforms.map(({ id }) => id);
  return ids.find((id) => name === id || /^[-:/.]/u.test(afterPrefix(name, id)));
}

function afterPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : "";
}

/** Shared machines are listed by their share: "p4d.24xlarge/8". */
function isCalled(offer: Offer, name: string): boolean {
  return offer.platformGpu?.split("/")[0] === name;
}
