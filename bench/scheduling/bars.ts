import type { FleetPolicyName } from "../../src/simulator/fixed-fleet.ts";
import type { Summary } from "../../src/simulator/summary.ts";
import { findHighestLoad, findSaturation, mean, runSeeds, type Setting } from "./measure.ts";

const policies = ["fifo", "fifo-warm", "strict-priority", "sjf", "hearth", "zero-swap"] as const;

/** Runs a policy did at one load, one a seed. */
export interface Row {
  readonly load: "saturated" | "low";
  readonly copies: number;
  readonly policy: FleetPolicyName;
  readonly runs: readonly Summary[];
}

export interface Bar {
  readonly name: string;
  readonly measured: number;
  readonly bound: number;
  readonly passed: boolean;
}

export interface SchedulingReport {
  readonly saturatedCopies: number;
  readonly rows: readonly Row[];
  readonly highestLoads: { readonly fifo: number; readonly hearth: number };
  readonly bars: readonly Bar[];
}

/** At low load a difference below this is noise of the draws. */
const noise = 0.001;

export function measureScheduling(
  setting: Setting,
  progress: (step: string) => void,
): SchedulingReport {
  progress("searching for the load that saturates the fleet");
  const saturatedCopies = Math.max(1, findSaturation(setting));
  const lowCopies = Math.max(1, Math.round(saturatedCopies / 3));
  const at = (load: Row["load"], copies: number, policy: FleetPolicyName): Row => {
    progress(`${policy} at ${copies} copies`);
    return { load, copies, policy, runs: runSeeds(setting, policy, copies) };
  };
  const saturated = policies.map((policy) => at("saturated", saturatedCopies, policy));
  const low = (["fifo-warm", "hearth"] as const).map((policy) => at("low", lowCopies, policy));
  progress("searching for the highest loads borne");
  const highestLoads = {
    fifo: findHighestLoad(setting, "fifo", Math.ceil(saturatedCopies / 2)),
    hearth: findHighestLoad(setting, "hearth", saturatedCopies),
  };
  const rows = [...saturated, ...low];
  return { saturatedCopies, rows, highestLoads, bars: judge(rows, highestLoads) };
}

function judge(rows: readonly Row[], loads: SchedulingReport["highestLoads"]): readonly Bar[] {
  const runsOf = (load: Row["load"], policy: FleetPolicyName): readonly Summary[] =>
    rows.find((row) => row.load === load && row.policy === policy)?.runs ?? [];
  const ours = runsOf("saturated", "hearth");
  const shares = ours.map(({ withinGoal }) => withinGoal);
  const behind = pairs(runsOf("saturated", "zero-swap"), ours, (left, right) => left - right);
  const swaps = (policy: FleetPolicyName): number =>
    Math.max(
      ...ours.map((run, at) => {
        const other = runsOf("saturated", policy)[at];
        return run.swapsPer1000 / (other?.swapsPer1000 ?? 0);
      }),
    );
  const lowBehind = pairs(runsOf("low", "fifo-warm"), runsOf("low", "hearth"), (a, b) => a - b);
  return [
    atLeast("share within 60 s at saturation, worst seed", Math.min(...shares), 0.95),
    atMost("behind the zero-swap reference, worst seed", Math.max(...behind), 0.025),
    atMost("swaps beside fifo's, worst seed", swaps("fifo"), 0.2),
    atMost("swaps beside fifo + warm placement's, worst seed", swaps("fifo-warm"), 0.35),
    atLeast("highest load beside fifo's", loads.hearth / loads.fifo, 1.4),
    atMost("behind fifo + warm placement at low load, mean", mean(lowBehind), noise),
  ];
}

function pairs(
  left: readonly Summary[],
  right: readonly Summary[],
  compare: (left: number, right: number) => number,
): readonly number[] {
  return left.map((run, at) => compare(run.withinGoal, right[at]?.withinGoal ?? 0));
}

function atLeast(name: string, measured: number, bound: number): Bar {
  return { name, measured, bound, passed: measured >= bound };
}

function atMost(name: string, measured: number, bound: number): Bar {
  return { name, measured, bound, passed: measured <= bound };
}
