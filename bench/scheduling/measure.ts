import { seededRandom } from "../../src/kernel/random.ts";
import {
  defaultFleet,
  simulateFixedFleet,
  type FleetPolicyName,
} from "../../src/simulator/fixed-fleet.ts";
import { overlay } from "../../src/simulator/overlay.ts";
import type { Workload } from "../../src/simulator/sim-job.ts";
import type { Summary } from "../../src/simulator/summary.ts";

/** A workload, the fleet it is laid on, and the seeds to repeat everything with. */
export interface Setting {
  readonly workload: Workload;
  readonly seeds: readonly number[];
  readonly workers: number;
}

/** Runs one policy at a load, once a seed. */
export function runSeeds(
  setting: Setting,
  policy: FleetPolicyName,
  copies: number,
): readonly Summary[] {
  const fleet = { ...defaultFleet, workers: setting.workers };
  return setting.seeds.map((seed) => {
    const laid = overlay(setting.workload, copies, seededRandom(seed));
    return simulateFixedFleet(laid, policy, { seed, fleet }).summary;
  });
}

/** With loads for nothing, every seed still serves this share in time: more is overload. */
const saturatedShare = 0.98;
/** A load counts as borne while this share of all seeds' jobs is served in time. */
const borneShare = 0.9;
/** More copies than any trace needs; keeps the search from running on for ever. */
const mostCopies = 512;

/** The most whole copies that the fleet could serve if loading models cost nothing. */
export function findSaturation(setting: Setting): number {
  return mostWholeCopies((copies) =>
    runSeeds(setting, "zero-swap", copies).every(({ withinGoal }) => withinGoal >= saturatedShare),
  );
}

/** The load in copies, interpolated, up to which `policy` serves 90 % of the jobs in time. */
export function findHighestLoad(setting: Setting, policy: FleetPolicyName, from: number): number {
  const shares = new Map<number, number>([[0, 1]]);
  const shareAt = (copies: number): number => {
    const known = shares.get(copies);
    if (known !== undefined) return known;
    const share = mean(runSeeds(setting, policy, copies).map(({ withinGoal }) => withinGoal));
    shares.set(copies, share);
    return share;
  };
  const borne = mostWholeCopies((copies) => shareAt(copies) >= borneShare, from);
  const [above, below] = [shareAt(borne), shareAt(borne + 1)];
  return borne + (above - borneShare) / (above - below);
}

/** The largest count for which all up to it pass; 0 if not even one does. */
function mostWholeCopies(passes: (copies: number) => boolean, guess = 4): number {
  let low = 0;
  let high = Math.max(1, guess);
  while (high <= mostCopies && passes(high)) {
    low = high;
    high = Math.max(high + 1, Math.round(high * 1.25));
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
