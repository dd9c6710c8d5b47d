import type { DemandView, OfferView } from "./snapshot.ts";

/** Into VRAM, once the weights are in RAM: a seventh of a load from disk, by published figures. */
const lastLeg = 1 / 7;

/** From a launch until a job that needs the usual models can run. */
export function coldStartMs(offer: Pick<OfferView, "bootMs">, demand: DemandView): number {
  const { meanLoadMs, loadsWhileBooting } = demand;
  if (!loadsWhileBooting) return offer.bootMs + meanLoadMs;
  return Math.max(offer.bootMs, meanLoadMs * (1 - lastLeg)) + meanLoadMs * lastLeg;
}
