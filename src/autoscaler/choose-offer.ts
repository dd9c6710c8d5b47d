import { coldStartMs } from "./cold-start.ts";
import type { DemandView, OfferView } from "./snapshot.ts";

/** What the new workers are for. */
export type Purpose = "base" | "overflow" | "hurry" | "saving";

export interface Choice {
  readonly offer: OfferView;
  readonly reason: string;
}

/** What a job costs on the offer, its share of loads included, in micro-dollars. */
function microUsdPerJob(offer: OfferView, demand: DemandView): number {
  const { meanRunMs, meanLoadMs, loadShare } = demand;
  const jobMs = meanRunMs * offer.slowness + loadShare * meanLoadMs;
  return (offer.microUsdPerHour * jobMs) / 3_600_000;
}

/** Expected latency of a job that finds no worker, in milliseconds. */
function coldLatencyMs(offer: OfferView, demand: DemandView): number {
  return coldStartMs(offer, demand) + demand.meanRunMs * offer.slowness;
}

/**
 * Base load goes to what is cheapest by job, overflow to what starts fastest, a policy in a hurry
 * to what is done first. Undefined where nothing can be had now.
 */
export function chooseOffer(
  offers: readonly OfferView[],
  demand: DemandView,
  purpose: Purpose,
  nowMs: number,
): Choice | undefined {
  const open = offers.filter(
    ({ quotaLeft, notBeforeMs }) =>
      (quotaLeft === null || quotaLeft > 0) && (notBeforeMs === null || notBeforeMs <= nowMs),
  );
  const byJob = (offer: OfferView): number => microUsdPerJob(offer, demand);
  if (purpose === "base" || purpose === "saving") {
    return least(open, byJob, byId, "cheapest by job");
  }
  if (purpose === "hurry") {
    return least(open, (offer) => coldLatencyMs(offer, demand), byJob, "done first");
  }
  return least(open, (offer) => coldStartMs(offer, demand), byJob, "starts fastest");
}

type Order = (offer: OfferView) => number;

function byId(): number {
  return 0;
}

function least(
  offers: readonly OfferView[],
  first: Order,
  second: Order,
  reason: string,
): Choice | undefined {
  const [offer] = offers.toSorted(
    (left, right) =>
      first(left) - first(right) || second(left) - second(right) || (left.id < right.id ? -1 : 1),
  );
  return offer && { offer, reason };
}

/**
 * Workers to launch so that `wanted` of them survive until more could be there: one more for every
 * one that is expected to be lost during a cold start.
 */
export function withSpotReserve(wanted: number, offer: OfferView, demand: DemandView): number {
  if (!offer.isSpot || wanted === 0) return wanted;
  const lossShare = Math.min(0.5, (offer.lossesPerHour * coldStartMs(offer, demand)) / 3_600_000);
  return wanted + Math.max(1, Math.ceil(wanted * lossShare));
}
