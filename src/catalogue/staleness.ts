import type { Catalogue } from "./catalogue.ts";
import { offerKey } from "./catalogue.ts";

/** After this many days a price is said to be stale: vendors changed theirs twice a year. */
const staleAfterDays = 120;

export interface StaleRow {
  readonly row: string;
  readonly asOf: string;
  readonly ageDays: number;
}

/** Whole days between a row's date and now; never negative. */
export function ageDays(asOf: string, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - Date.parse(asOf)) / 86_400_000));
}

/** Offers older than `limitDays`, oldest first. */
export function staleOffers(
  catalogue: Catalogue,
  nowMs: number,
  limitDays: number = staleAfterDays,
): readonly StaleRow[] {
  return catalogue.offers
    .map((offer) => ({
      row: offerKey(offer),
      asOf: offer.asOf,
      ageDays: ageDays(offer.asOf, nowMs),
    }))
    .filter((row) => row.ageDays > limitDays)
    .toSorted((left, right) => right.ageDays - left.ageDays);
}
