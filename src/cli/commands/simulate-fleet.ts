import { formatBytes } from "../../kernel/bytes.ts";
import { seededRandom } from "../../kernel/random.ts";
import {
  cardsOf,
  defaultFleet,
  fleetPolicies,
  simulateFixedFleet,
  type FleetPolicyName,
} from "../../simulator/fixed-fleet.ts";
import { fleetPlots, type PlottedRun } from "../../simulator/fleet-plots.ts";
import { overlay } from "../../simulator/overlay.ts";
import type { Workload } from "../../simulator/sim-job.ts";
import type { Summary } from "../../simulator/summary.ts";
import type { CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { savePictures } from "../simulate/pictures.ts";
import { readWorkload } from "../simulate/workload.ts";
import { formatTable, type Column } from "../table.ts";

export interface SimulateFleetFlags {
  readonly policy: readonly string[];
  readonly workers: number;
  /** Bytes of each worker's card; in place of `workers`. */
  readonly gpus?: readonly number[];
  readonly copies: number;
  readonly seed: number;
  readonly deaths: number;
  readonly outOfMemory: number;
  readonly slowLoads: number;
  readonly out?: string;
}

/** `hearth simulate fleet`: what orders of work would have made of a trace on a fixed fleet. */
export async function simulateFleet(
  context: CommandContext,
  trace: string | undefined,
  flags: SimulateFleetFlags,
): Promise<void> {
  const policies = flags.policy.map(knownPolicy);
  const fleet = {
    ...defaultFleet,
    workers: flags.workers,
    ...(flags.gpus && { cardsBytes: flags.gpus }),
  };
  const cards = cardsOf(fleet);
  const hasLargeModels = Math.max(...cards) >= largeCardBytes;
  const base = await readWorkload(context, trace, flags.seed, { hasLargeModels });
  requireRoom(base, cards);
  const workload = overlay(base, flags.copies, seededRandom(flags.seed));
  const options = {
    seed: flags.seed,
    fleet,
    faults: {
      deathsPerWorkerHour: flags.deaths,
      outOfMemoryShare: flags.outOfMemory / 100,
      slowLoadShare: flags.slowLoads / 100,
    },
  };
  const runs: PlottedRun[] = [];
  for (const name of policies) {
    context.output.note(`${runs.length + 1} of ${policies.length}: ${name}`);
    runs.push({ name, ...simulateFixedFleet(workload, name, options) });
  }
  const title = `${base.name}, ${flags.copies} x, ${cards.length} workers`;
  const pictures = flags.out === undefined ? [] : fleetPlots(title, runs, cards.length);
  const files = flags.out === undefined ? [] : await savePictures(context, flags.out, pictures);
  for (const file of files) context.output.note(`wrote ${file}`);
  const rows = runs.map(({ summary }) => summary);
  const { jobs } = workload;
  context.output.result({ workload: workload.name, jobs: jobs.length, rows, files }, tableOf(rows));
}

/** From this size on generated traffic has models that no smaller card could take. */
const largeCardBytes = 36 * 1024 ** 3;

function requireRoom({ jobs }: Workload, cards: readonly number[]): void {
  const largest = Math.max(...cards);
  const job = jobs.find(({ vramBytes }) => vramBytes > largest);
  if (job === undefined) return;
  const [needed, there] = [formatBytes(job.vramBytes), formatBytes(largest)];
  throw new CliFailure("usage", `A job needs ${needed}, the largest of --gpus has ${there}.`);
}

function knownPolicy(name: string): FleetPolicyName {
  const known = Object.keys(fleetPolicies) as FleetPolicyName[];
  const found = known.find((policy) => policy === name);
  if (found !== undefined) return found;
  throw new CliFailure("usage", `There is no policy ${name}; there are ${known.join(", ")}.`);
}

function number(title: string, text: (row: Summary) => string): Column<Summary> {
  return { title, text, align: "right" };
}

function tableOf(rows: readonly Summary[]): string {
  return formatTable(rows, [
    { title: "POLICY", text: ({ policy }) => policy },
    number("IN 60 S", ({ withinGoal }) => `${(100 * withinGoal).toFixed(1)} %`),
    number("P50", ({ p50Seconds }) => `${p50Seconds.toFixed(0)} s`),
    number("P95", ({ p95Seconds }) => `${p95Seconds.toFixed(0)} s`),
    number("P99", ({ p99Seconds }) => `${p99Seconds.toFixed(0)} s`),
    number("LONGEST WAIT", ({ maxWaitSeconds }) => `${maxWaitSeconds.toFixed(0)} s`),
    number("SWAPS/1000", ({ swapsPer1000 }) => swapsPer1000.toFixed(0)),
    number("BUSY", ({ busyHours }) => `${busyHours.toFixed(0)} h`),
    number("UTILISATION", ({ utilisation }) => `${(100 * utilisation).toFixed(1)} %`),
    number("JAIN", ({ jain }) => jain.toFixed(3)),
    number("LOST RUNS", ({ attemptsLost }) => String(attemptsLost)),
  ]);
}
