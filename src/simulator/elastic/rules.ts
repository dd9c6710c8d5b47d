import { strategies } from "../../autoscaler/policy.ts";
import type { Dispatcher } from "../cluster.ts";
import { HearthDispatcher } from "../policies/hearth.ts";
import { fifoWarm } from "../policies/ordered.ts";
import { defaultLoadModel, type LoadModel } from "../residency.ts";
import type { Workload } from "../sim-job.ts";
import {
  alwaysOn,
  fixedKeepAlive,
  hybridHistogram,
  keda,
  knative,
  queueDelay,
  requestCount,
} from "./baselines.ts";
import { peakConcurrency } from "./clairvoyant.ts";
import type { ElasticSite } from "./fleet.ts";
import { HearthScaler } from "./hearth.ts";
import { simulateElasticFleet, type ElasticSummary } from "./run.ts";
import type { ElasticScaler } from "./scaler.ts";

/** The rules that Hearth is compared with, by name. Each call begins without a memory. */
const others: Readonly<Record<string, (workload: Workload) => ElasticScaler>> = {
  keda: () => keda(),
  knative: () => knative(),
  "request-count": () => requestCount(1, 5),
  "queue-delay": () => queueDelay(4, 5),
  "keep-alive-60": () => fixedKeepAlive(60),
  "keep-alive-300": () => fixedKeepAlive(300),
  "hybrid-histogram": () => hybridHistogram(),
  "always-on": ({ jobs }) => alwaysOn(peakConcurrency(jobs)),
};

/** Every rule that can be simulated, Hearth's strategies first. */
export const ruleNames: readonly string[] = [...strategies, ...Object.keys(others)];

export interface RuleOptions {
  readonly seed: number;
  readonly site: ElasticSite;
  readonly loads?: LoadModel;
  /** What Hearth is to do besides its strategy. */
  readonly settings?: object;
}

/** Simulates a rule by its name. Undefined for a name that is none. */
export function simulateRule(
  name: string,
  workload: Workload,
  options: RuleOptions,
): ElasticSummary | undefined {
  const strategy = strategies.find((known) => known === name);
  if (strategy !== undefined) {
    return simulateHearth(workload, { ...options, settings: { strategy, ...options.settings } });
  }
  const create = others[name];
  return create && simulateOther(create(workload), workload, options);
}

/** Hearth as a whole: its scaling, its order of work, and weights that are fetched during the boot. */
export function simulateHearth(workload: Workload, options: RuleOptions): ElasticSummary {
  const site = { ...options.site, fetchesWhileBooting: true };
  const loads = options.loads ?? defaultLoadModel;
  const scaler = new HearthScaler(options.settings ?? {}, site);
  const dispatcher = new HearthDispatcher(loads);
  return simulateElasticFleet(workload, { scaler, dispatcher }, { ...options, site });
}

/** Somebody else's rule: first come, first served, on the worker that holds the model. */
export function simulateOther(
  scaler: ElasticScaler,
  workload: Workload,
  options: RuleOptions,
  dispatcher: Dispatcher = fifoWarm(),
): ElasticSummary {
  return simulateElasticFleet(workload, { scaler, dispatcher }, options);
}

/** Asks Hearth to hold a share within 60 s, and no more. */
export function holding(share: number): object {
  return { policy: { goal: { withinMs: 60_000, share: Math.min(0.999, Math.max(0.01, share)) } } };
}
