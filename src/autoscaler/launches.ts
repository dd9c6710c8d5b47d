import { chooseOffer, withSpotReserve, type Choice, type Purpose } from "./choose-offer.ts";
import type { Consideration, ScaleCommand } from "./decision.ts";
import type { ScaleSnapshot } from "./snapshot.ts";

export interface LaunchPlan {
  readonly commands: readonly ScaleCommand[];
  readonly because: readonly Consideration[];
}

/** Turns a number of missing workers into launches, within growth, bounds, budget and quotas. */
export function planLaunches(
  snapshot: ScaleSnapshot,
  wanted: number,
  purpose: Purpose,
  reason: string,
): LaunchPlan {
  const because: Consideration[] = [];
  const allowed = clamp(snapshot, wanted, because);
  const commands: ScaleCommand[] = [];
  const left = new Map(snapshot.offers.map((offer) => [offer.id, offer.quotaLeft]));
  let [missing, budget] = [allowed, budgetLeft(snapshot)];
  // Every round uses up an offer or ends.
  for (let round = 0; missing > 0 && round <= snapshot.offers.length; round++) {
    const choice = choose(snapshot, left, purpose);
    if (choice === undefined) {
      because.push({ rule: "quota", workers: missing, text: "no offer has room or may be tried" });
      break;
    }
    const { offer } = choice;
    const affordable = affordableWorkers(budget, offer.microUsdPerHour);
    const room = Math.min(affordable, left.get(offer.id) ?? Infinity);
    const count = Math.min(withSpotReserve(missing, offer, snapshot.demand), room);
    left.set(offer.id, 0);
    if (affordable < missing) {
      because.push({ rule: "budget", workers: affordable, text: "the budget allows no more" });
    }
    if (count <= 0) continue;
    if (count > missing) {
      because.push({ rule: "spot_reserve", workers: count - missing, text: "spot may be lost" });
    }
    const text = `${reason}; ${offer.id} ${choice.reason}`;
    commands.push({ action: "launch", offer: offer.id, count, reason: text });
    missing -= Math.min(count, missing);
    budget -= count * offer.microUsdPerHour;
  }
  return { commands, because };
}

function clamp(snapshot: ScaleSnapshot, wanted: number, because: Consideration[]): number {
  const { bounds, policy, workers, launchedInLastMinute } = snapshot;
  const present = workers.filter(({ state }) => state !== "draining").length;
  let allowed = wanted;
  const limit = (rule: "maximum" | "growth", most: number, text: string): void => {
    const room = Math.max(0, most);
    if (allowed > room) because.push({ rule, workers: room, text });
    allowed = Math.min(allowed, room);
  };
  const { minBurst, growthPerMinute } = policy;
  // What the last minute added does not count as what it may grow from.
  const settled = Math.max(0, present - launchedInLastMinute);
  const growth = Math.max(minBurst, Math.ceil(settled * growthPerMinute)) - launchedInLastMinute;
  limit("growth", growth, `${launchedInLastMinute} were launched within a minute`);
  // Those that leave still hold their place on the platform.
  limit("maximum", bounds.maxWorkers - workers.length, `at most ${bounds.maxWorkers}`);
  return allowed;
}

function budgetLeft({ hourlyBudgetMicroUsd, workers, offers }: ScaleSnapshot): number {
  if (hourlyBudgetMicroUsd === null) return Infinity;
  const prices = new Map(offers.map((offer) => [offer.id, offer.microUsdPerHour]));
  const spentMicroUsd = workers.reduce((sum, { offer }) => sum + (prices.get(offer) ?? 0), 0);
  return hourlyBudgetMicroUsd - spentMicroUsd;
}

function affordableWorkers(budgetMicroUsd: number, microUsdPerHour: number): number {
  if (microUsdPerHour === 0) return Infinity;
  return Math.max(0, Math.floor(budgetMicroUsd / microUsdPerHour));
}

function choose(
  snapshot: ScaleSnapshot,
  left: ReadonlyMap<string, number | null>,
  purpose: Purpose,
): Choice | undefined {
  const { offers, workers, policy, demand, nowMs } = snapshot;
  const spotIds = new Set(offers.filter(({ isSpot }) => isSpot).map(({ id }) => id));
  const spotWorkers = workers.filter(({ offer }) => spotIds.has(offer)).length;
  const mayUseSpot = spotWorkers < policy.maxSpotShare * (workers.length + 1);
  const open = offers.filter(
    ({ id, isSpot }) => (mayUseSpot || !isSpot) && (left.get(id) ?? 1) > 0,
  );
  return chooseOffer(open, demand, purpose, nowMs);
}
