import type { Catalogue } from "../catalogue/catalogue.ts";
import { offerKey } from "../catalogue/catalogue.ts";
import type { Offer } from "../catalogue/schema.ts";
import { advise, type AdviceInput, type Option } from "./advise.ts";

/** A rate of requests at which another offer becomes the best one. */
export interface BreakEven {
  readonly requestsPerDay: number;
  readonly direction: "above" | "below";
  readonly option: Option;
}

const reach = 100;
const triedFactors = [3, 10, 30, reach] as const;
const maxRequestsPerDay = 1_000_000;
const refinements = 5;

/** The nearest rates above and below the assumed one that change the answer, to about 10 %. */
export function breakEvens(
  catalogue: Catalogue,
  offers: readonly Offer[],
  input: AdviceInput,
): readonly BreakEven[] {
  const found = (["above", "below"] as const).map((direction) =>
    nearestChange(catalogue, offers, input, direction),
  );
  return found.filter((each) => each !== undefined);
}

function nearestChange(
  catalogue: Catalogue,
  offers: readonly Offer[],
  input: AdviceInput,
  direction: BreakEven["direction"],
): BreakEven | undefined {
  const best = (requestsPerDay: number): Option | undefined =>
    advise(catalogue, offers, { ...input, requestsPerDay }).options[0];
  const winner = best(input.requestsPerDay);
  if (winner === undefined) return undefined;
  const differs = (option: Option | undefined): option is Option =>
    option !== undefined && offerKey(option.estimate.offer) !== offerKey(winner.estimate.offer);
  let same = input.requestsPerDay;
  for (const factor of triedFactors) {
    const rate =
      direction === "above" ? input.requestsPerDay * factor : input.requestsPerDay / factor;
    if (rate > maxRequestsPerDay || rate < 1) return undefined;
    let option = best(rate);
    if (!differs(option)) {
      same = rate;
      continue;
    }
    let changed = rate;
    for (let step = 0; step < refinements; step++) {
      const middle = Math.sqrt(same * changed);
      const between = best(middle);
      if (differs(between)) [changed, option] = [middle, between];
      else same = middle;
    }
    return { requestsPerDay: Math.round(changed), direction, option };
  }
  return undefined;
}
