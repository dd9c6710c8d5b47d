import type { Catalogue } from "../../catalogue/catalogue.ts";
import { staleOffers } from "../../catalogue/staleness.ts";
import { hasMemory, runMsOn, workOn, type Subject } from "../../cost/advise.ts";
import { estimateOffer, type CostLines, type Estimate } from "../../cost/estimate.ts";
import { arrivalsOf, type Arrivals } from "../../cost/traffic.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { formatMicroUsd } from "../../kernel/money.ts";
import type { CommandContext } from "../command-context.ts";
import { catalogueOf } from "../pricing/catalogue-of.ts";
import { money } from "../pricing/money-column.ts";
import { offersOf, platformsOf } from "../pricing/offers.ts";
import { subjectOf, type SubjectFlags } from "../pricing/subject.ts";
import { formatTable } from "../table.ts";

export interface CostFlags extends SubjectFlags {
  readonly platforms: readonly string[];
  readonly gpu: string | undefined;
  readonly requestsPerDay: number;
  readonly peakFactor: number;
  readonly warmInstances: number;
  readonly idleTailMs: number | undefined;
}

const seed = 1;
const playedJobs = 2_000;

/** `hearth cost compare`: all-in prices of every offer that has the memory, cheapest first. */
export async function compareCosts(context: CommandContext, flags: CostFlags): Promise<void> {
  const { estimates, notes } = await estimatesOf(context, flags);
  const text = formatTable(estimates, [
    { title: "PLATFORM", text: ({ offer }) => offer.platform },
    { title: "CARD", text: ({ offer }) => offer.gpu },
    { title: "REGION", text: ({ offer }) => offer.region },
    money("HOUR", ({ rate }) => rate.totalMicroUsd),
    money("JOB", ({ jobMicroUsd }) => jobMicroUsd),
    money("IMAGE", ({ imageMicroUsd }) => imageMicroUsd),
    money("MONTH", ({ monthMicroUsd }) => monthMicroUsd),
    { title: "COLD", text: ({ coldShare }) => percent(coldShare), align: "right" },
    { title: "P95", text: ({ latencyP95Ms }) => formatDurationMs(latencyP95Ms), align: "right" },
    { title: "AS OF", text: ({ offer }) => offer.asOf },
  ]);
  context.output.result({ estimates, assumptions: notes }, text);
  for (const note of notes) context.output.note(note);
}

/** `hearth cost estimate`: where the money of one offer goes, line by line. */
export async function estimateCost(context: CommandContext, flags: CostFlags): Promise<void> {
  const { estimates, notes } = await estimatesOf(context, flags);
  const text = estimates.map(breakdown).join("\n\n");
  context.output.result({ estimates, assumptions: notes }, text);
  for (const note of notes) context.output.note(note);
}

async function estimatesOf(
  context: CommandContext,
  flags: CostFlags,
): Promise<{ readonly estimates: readonly Estimate[]; readonly notes: readonly string[] }> {
  const catalogue = await catalogueOf(context);
  const offers = offersOf(catalogue, platformsOf(catalogue, flags.platforms), flags.gpu);
  const { subject, assumptions } = await subjectOf(context, catalogue, flags);
  const { requestsPerDay, peakFactor } = flags;
  const arrivals = arrivalsOf({ requestsPerDay, peakFactor, seed, jobs: playedJobs });
  const estimates = offers
    .filter((offer) => hasMemory(catalogue, offer, subject.vramBytes))
    .map((offer) =>
      estimateOffer(catalogue, offer, workOn(catalogue, offer.gpu, subject), arrivals, {
        warmInstances: warmOf(catalogue, offer.platform, flags, {
          subject,
          arrivals,
          gpu: offer.gpu,
        }),
        ...(flags.idleTailMs !== undefined && { idleTailMs: flags.idleTailMs }),
      }),
    )
    .toSorted((left, right) => left.jobMicroUsd - right.jobMicroUsd);
  const traffic = `${requestsPerDay} requests a day, the busiest hour ${peakFactor} times the mean`;
  return {
    estimates,
    notes: [
      `assumed: ${[traffic, ...assumptions].join("; ")}`,
      ...staleNotes(catalogue, offers.length),
    ],
  };
}

interface LoadOf {
  readonly subject: Subject;
  readonly arrivals: Arrivals;
  readonly gpu: string;
}

/** Machines that are always on must be enough for the mean at least. */
function warmOf(catalogue: Catalogue, platform: string, flags: CostFlags, load: LoadOf): number {
  const isAlwaysOn = catalogue.factByKey.get(`${platform}/idleTailMs`)?.value === null;
  if (!isAlwaysOn || flags.warmInstances > 0) return flags.warmInstances;
  const { arrivals, gpu, subject } = load;
  const busy = (arrivals.timesMs.length * runMsOn(catalogue, gpu, subject)) / arrivals.horizonMs;
  return Math.ceil(busy / 0.8);
}

export function staleNotes(catalogue: Catalogue, shown: number): readonly string[] {
  const stale = staleOffers(catalogue, Date.now());
  const [oldest] = stale;
  if (oldest === undefined || shown === 0) return [];
  return [
    `${stale.length} prices are stale, the oldest ${oldest.ageDays} days (${oldest.row}); ` +
      "hearth catalogue refresh, or your own prices file, brings them up to date",
  ];
}

const lineTitles: Readonly<Record<keyof CostLines, string>> = {
  runMicroUsd: "run",
  startMicroUsd: "starts",
  loadMicroUsd: "loading weights",
  idleMicroUsd: "idle",
  roundingMicroUsd: "minimums and rounding",
  storageMicroUsd: "storage",
  fixedMicroUsd: "fixed fees",
};

function breakdown(estimate: Estimate): string {
  const { offer, rate, lines } = estimate;
  const names = Object.keys(lineTitles) as (keyof CostLines)[];
  const rows = [
    ...names.map((name) => [lineTitles[name], formatMicroUsd(lines[name])]),
    ["a job", formatMicroUsd(estimate.jobMicroUsd)],
    ["an image", formatMicroUsd(estimate.imageMicroUsd)],
    ["a month", formatMicroUsd(estimate.monthMicroUsd)],
    ["cold starts", percent(estimate.coldShare)],
    [
      "p50, p95",
      `${formatDurationMs(estimate.latencyP50Ms)}, ${formatDurationMs(estimate.latencyP95Ms)}`,
    ],
  ];
  const parts = `GPU ${formatMicroUsd(rate.gpuMicroUsd)}, CPU ${formatMicroUsd(rate.cpuMicroUsd)}, memory ${formatMicroUsd(rate.memoryMicroUsd)}`;
  return [
    `${offer.platform} ${offer.gpu} (${offer.region}): ${formatMicroUsd(rate.totalMicroUsd)} an hour (${parts})`,
    `  from ${offer.source}, ${offer.asOf}`,
    ...rows.map(([name = "", value = ""]) => `  ${name.padEnd(22)} ${value.padStart(12)}`),
  ].join("\n");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
