import type { Workload } from "../sim-job.ts";
import { keda, knative, requestCount } from "./baselines.ts";
import { clairvoyantSeconds } from "./clairvoyant.ts";
import { holding, simulateHearth, simulateOther, type RuleOptions } from "./rules.ts";
import { imagesOf, type ElasticSummary } from "./run.ts";
import type { ElasticScaler } from "./scaler.ts";

/** One claim: at a share that is no lower, Hearth costs at most so much of what the other does. */
export interface Claim {
  readonly against: string;
  readonly otherShare: number;
  readonly otherMicroUsd: number;
  readonly hearthShare: number;
  readonly hearthMicroUsd: number;
  readonly costRatio: number;
  readonly mostRatio: number;
  readonly holds: boolean;
}

/** Asked for exactly the other's share, a rule that learns would end a little below it half the time. */
const shareMargin = 0.002;
const leastShare = 0.95;

/** Hearth is told the share to hold, never the traffic: the same rule for every load and week. */
function claimAgainst(
  workload: Workload,
  other: ElasticSummary,
  mostRatio: number,
  options: RuleOptions,
): Claim {
  const settings = holding(other.withinGoal + shareMargin);
  const hearth = simulateHearth(workload, { ...options, settings });
  return claimOf(other.policy, other, hearth, mostRatio);
}

/** Against the cheapest schedule without waiting, which knows the future. */
function claimAgainstClairvoyant(workload: Workload, options: RuleOptions): Claim {
  const settings = holding(leastShare + shareMargin);
  const hearth = simulateHearth(workload, { ...options, settings });
  const other = {
    withinGoal: leastShare,
    microUsdPer1000Images: clairvoyantMicroUsd(workload, options, coldSeconds(options)),
  };
  return claimOf("clairvoyant", other, hearth, 1.25);
}

/** Boot, then load: what every rule but one with a prefetching agent goes through. */
function coldSeconds({ site, loads }: RuleOptions): number {
  return site.bootSeconds + (loads?.diskSeconds ?? 22);
}

export function clairvoyantMicroUsd(
  workload: Workload,
  { site }: RuleOptions,
  returnSeconds: number,
): number {
  const hours = clairvoyantSeconds(workload.jobs, returnSeconds) / 3600;
  return (1000 * hours * site.microUsdPerHour) / imagesOf(workload.jobs);
}

function claimOf(
  against: string,
  other: Pick<ElasticSummary, "withinGoal" | "microUsdPer1000Images">,
  hearth: ElasticSummary,
  mostRatio: number,
): Claim {
  const costRatio = hearth.microUsdPer1000Images / other.microUsdPer1000Images;
  return {
    against,
    otherShare: other.withinGoal,
    otherMicroUsd: other.microUsdPer1000Images,
    hearthShare: hearth.withinGoal,
    hearthMicroUsd: hearth.microUsdPer1000Images,
    costRatio,
    mostRatio,
    holds: costRatio <= mostRatio && hearth.withinGoal >= other.withinGoal,
  };
}

/** The promises of docs/autoscaling.md, held on one workload. */
export function promisedClaims(workload: Workload, options: RuleOptions): readonly Claim[] {
  const against = (scaler: ElasticScaler, mostRatio: number): Claim =>
    claimAgainst(workload, simulateOther(scaler, workload, options), mostRatio, options);
  return [
    against(keda(), 0.8),
    against(knative(), 0.7),
    against(requestCount(1, 5), 0.75),
    claimAgainstClairvoyant(workload, options),
  ];
}

interface Family {
  readonly name: string;
  readonly variants: readonly (() => ElasticScaler)[];
  readonly mostRatio: number;
}

/** The others' settings that a patient operator would try. */
const tunable: readonly Family[] = [
  {
    name: "KEDA",
    mostRatio: 1,
    variants: [1, 2].flatMap((jobs) => [60, 150, 300].map((cool) => () => keda(jobs, cool))),
  },
  {
    name: "Knative",
    mostRatio: 1,
    variants: [0.5, 0.7, 1].flatMap((use) =>
      [60, 150, 300].map((span) => () => knative(use, span)),
    ),
  },
  {
    name: "request count",
    mostRatio: 1,
    variants: [1, 2].flatMap((jobs) =>
      [5, 30, 60, 150, 300].map((idle) => () => requestCount(jobs, idle)),
    ),
  },
];

/** Tunes on one stretch of traffic, and holds Hearth against the winner on another. */
export function tunedClaims(
  training: Workload,
  heldOut: Workload,
  options: RuleOptions,
): readonly Claim[] {
  return tunable.flatMap(({ variants, mostRatio }) => {
    const tried = variants.map((create) => ({
      create,
      summary: simulateOther(create(), training, options),
    }));
    const good = tried.filter(({ summary }) => summary.withinGoal >= leastShare);
    const pool = good.length > 0 ? good : [mostInTime(tried)];
    const [best] = pool.toSorted(
      (left, right) => left.summary.microUsdPer1000Images - right.summary.microUsdPer1000Images,
    );
    if (best === undefined) return [];
    const other = simulateOther(best.create(), heldOut, options);
    return [claimAgainst(heldOut, other, mostRatio, options)];
  });
}

function mostInTime<T extends { readonly summary: ElasticSummary }>(tried: readonly T[]): T {
  return tried.reduce((best, one) =>
    one.summary.withinGoal > best.summary.withinGoal ? one : best,
  );
}
