import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";

import sharp from "sharp";

import { factValue, type Catalogue } from "../../catalogue/catalogue.ts";
import { hourlyRate } from "../../cost/rate.ts";
import { formatMicroUsd } from "../../kernel/money.ts";
import { seededRandom } from "../../kernel/random.ts";
import type { ElasticSite } from "../../simulator/elastic/fleet.ts";
import { paretoPlot, type PlotPoint } from "../../simulator/elastic/pareto-plot.ts";
import { ruleNames, simulateRule } from "../../simulator/elastic/rules.ts";
import { defaultSite, type ElasticSummary } from "../../simulator/elastic/run.ts";
import { overlay } from "../../simulator/overlay.ts";
import type { Workload } from "../../simulator/sim-job.ts";
import type { CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { catalogueOf } from "../pricing/catalogue-of.ts";
import { offersOf, platformsOf } from "../pricing/offers.ts";
import { readWorkload } from "../simulate/workload.ts";
import { formatTable } from "../table.ts";

export interface SimulateFlags {
  readonly policy: readonly string[];
  readonly platform: readonly string[];
  readonly gpu?: string;
  readonly copies: number;
  readonly seed: number;
  readonly out?: string;
}

interface SimulatedRow extends ElasticSummary {
  readonly platform: string;
}

/** `hearth simulate`: what rules of scaling would have made of a trace, and what they would cost. */
export async function simulateScaling(
  context: CommandContext,
  trace: string | undefined,
  flags: SimulateFlags,
): Promise<void> {
  for (const name of flags.policy) {
    if (ruleNames.includes(name)) continue;
    throw new CliFailure("usage", `There is no policy ${name}; there are ${ruleNames.join(", ")}.`);
  }
  const base = await readWorkload(context, trace, flags.seed);
  const workload = overlay(base, flags.copies, seededRandom(flags.seed));
  const sites = sitesOf(await catalogueOf(context), flags);
  const rows: SimulatedRow[] = [];
  const total = sites.length * flags.policy.length;
  for (const { name: platform, site } of sites) {
    for (const policy of flags.policy) {
      context.output.note(`${rows.length + 1} of ${total}: ${policy} on ${platform}`);
      const summary = simulateRule(policy, workload, { seed: flags.seed, site });
      if (summary !== undefined) rows.push({ ...summary, policy, platform });
    }
  }
  const files = flags.out === undefined ? [] : await draw(context, flags.out, workload, rows);
  for (const file of files) context.output.note(`wrote ${file}`);
  const found = { workload: workload.name, jobs: workload.jobs.length, rows, files };
  context.output.result(found, tableOf(rows));
}

/** The cheapest card with enough memory on each platform, or one assumed site. */
function sitesOf(
  catalogue: Catalogue,
  flags: SimulateFlags,
): readonly { readonly name: string; readonly site: ElasticSite }[] {
  if (flags.platform.length === 0) return [{ name: "assumed, $1.10/h", site: defaultSite }];
  return platformsOf(catalogue, flags.platform).map((platform) => {
    const [cheapest] = offersOf(catalogue, [platform], flags.gpu)
      .filter(({ gpu }) => (catalogue.gpuById.get(gpu)?.vramGib ?? 0) >= leastVramGib)
      .map((offer) => ({ offer, rate: hourlyRate(offer).totalMicroUsd }))
      .toSorted((left, right) => left.rate - right.rate);
    if (cheapest === undefined) {
      throw new CliFailure("usage", `${platform.id} offers no card with ${leastVramGib} GiB.`);
    }
    const bootMs = factValue(catalogue, platform.id, "startTypicalMs", 30_000);
    const site = {
      ...defaultSite,
      bootSeconds: bootMs / 1000,
      microUsdPerHour: cheapest.rate,
    };
    return { name: `${platform.id}, ${cheapest.offer.gpu}`, site };
  });
}

const leastVramGib = 24;

async function draw(
  context: CommandContext,
  folder: string,
  workload: Workload,
  rows: readonly SimulatedRow[],
): Promise<readonly string[]> {
  const several = new Set(rows.map(({ platform }) => platform)).size > 1;
  const points: readonly PlotPoint[] = rows.map((row) => ({
    name: several ? `${row.policy}, ${row.platform.split(",")[0]}` : row.policy,
    share: row.withinGoal,
    dollars: row.microUsdPer1000Images / 1e6,
    group: isOurs(row.policy) ? "hearth" : "other",
  }));
  const svg = paretoPlot(`${basename(workload.name)}: service against money`, points);
  const target = resolve(context.io.folder, folder);
  await mkdir(target, { recursive: true });
  const files = ["pareto.svg", "pareto.png"].map((name) => join(target, name));
  await writeFile(files[0] ?? "", svg);
  await sharp(Buffer.from(svg), { density: 144 })
    .png()
    .toFile(files[1] ?? "");
  return files;
}

function isOurs(policy: string): boolean {
  return !/^(?:keda|knative|request-count|queue-delay|keep-alive|hybrid|always)/u.test(policy);
}

function tableOf(rows: readonly SimulatedRow[]): string {
  return formatTable(rows, [
    { title: "POLICY", text: ({ policy }) => policy },
    { title: "PLATFORM", text: ({ platform }) => platform },
    {
      title: "IN 60 S",
      text: ({ withinGoal }) => `${(100 * withinGoal).toFixed(1)} %`,
      align: "right",
    },
    { title: "P50", text: ({ p50Seconds }) => `${p50Seconds.toFixed(0)} s`, align: "right" },
    { title: "P95", text: ({ p95Seconds }) => `${p95Seconds.toFixed(0)} s`, align: "right" },
    { title: "P99", text: ({ p99Seconds }) => `${p99Seconds.toFixed(0)} s`, align: "right" },
    { title: "COLD/1000", text: ({ coldPer1000 }) => coldPer1000.toFixed(0), align: "right" },
    { title: "GPU-S PAID", text: ({ paidHours }) => (paidHours * 3600).toFixed(0), align: "right" },
    { title: "PEAK", text: ({ peakWorkers }) => String(peakWorkers), align: "right" },
    {
      title: "PER 1000 IMAGES",
      text: ({ microUsdPer1000Images }) => formatMicroUsd(Math.round(microUsdPer1000Images)),
      align: "right",
    },
  ]);
}
