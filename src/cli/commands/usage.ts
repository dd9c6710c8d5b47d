import { attemptRows, type AttemptRow } from "../../control/bookkeeping.ts";
import { keepBooks } from "../../control/keep-books.ts";
import { HearthError } from "../../kernel/errors.ts";
import { formatBytes } from "../../kernel/bytes.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { formatMicroUsd } from "../../kernel/money.ts";
import { kpiNames, type KpiFigure, type KpiName } from "../../observability/kpi.ts";
import { createLogger } from "../../observability/logger.ts";
import type { Store } from "../../store/store.ts";
import { groupUsage, type UsageGroup, type UsageGrouping } from "../../store/usage-report.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { money } from "../pricing/money-column.ts";
import { withStore } from "../store-access.ts";
import { formatTable, type Column } from "../table.ts";

export interface UsageFlags {
  readonly sinceMs: number;
  readonly by: UsageGrouping;
  readonly deployment: string | undefined;
}

const hourMs = 3_600_000;
const maxAttempts = 10_000;

/** `hearth cost report`: what was paid, and for what. */
export async function reportCosts(context: CommandContext, flags: UsageFlags): Promise<void> {
  const groups = await groupsOf(context, flags);
  const text = formatTable(groups, [
    { title: flags.by.toUpperCase(), text: ({ group }) => group },
    { title: "ATTEMPTS", text: ({ attempts }) => String(attempts), align: "right" },
    money("RUN", ({ costs }) => costs.runMicroUsd),
    money("LOAD", ({ costs }) => costs.loadMicroUsd),
    money("START", ({ costs }) => costs.startMicroUsd),
    money("IDLE", ({ costs }) => costs.idleMicroUsd),
    money("TOTAL", ({ totalMicroUsd }) => totalMicroUsd),
    money("AN ATTEMPT", ({ perAttemptMicroUsd }) => perAttemptMicroUsd),
    { title: "BUSY", text: ({ busyShare }) => percent(busyShare), align: "right" },
  ]);
  context.output.result(groups, text);
  if (groups.every(({ paidMs, totalMicroUsd }) => paidMs === 0 || totalMicroUsd === 0)) {
    context.output.note(
      "no worker has a price; say hearth cost price <deployment> <dollars an hour>",
    );
  }
}

/** `hearth stats`: the nine key figures with percentiles, and the score. */
export async function showStats(context: CommandContext, flags: UsageFlags): Promise<void> {
  const groups = await groupsOf(context, flags);
  context.output.result(groups, groups.map(describeGroup).join("\n\n"));
  if (groups.length === 0) context.output.note("nothing has run in this time");
}

/** `hearth stats --by attempt`: the key figures and costs of single attempts, newest first. */
export async function showAttempts(
  context: CommandContext,
  flags: {
    readonly sinceMs: number;
    readonly limit: number;
    readonly deployment: string | undefined;
  },
): Promise<void> {
  const settings = await settingsOf(context);
  const rows = await withStore(settings, async (store) => {
    const deploymentId = await deploymentOf(store, flags.deployment);
    const nowMs = Date.now();
    const [from, to] = [new Date(nowMs - flags.sinceMs), new Date(nowMs)];
    const units = await store.usage.units(from, to, maxAttempts);
    const attempts = await store.usage.attempts(from, to, maxAttempts);
    const all = attemptRows({ hourMs: from.getTime(), toMs: nowMs, units, attempts });
    return all
      .filter((row) => deploymentId === undefined || row.deploymentId === deploymentId)
      .toSorted((left, right) => right.endedAt.getTime() - left.endedAt.getTime())
      .slice(0, flags.limit);
  });
  context.output.result(rows, attemptTable(rows));
}

async function groupsOf(
  context: CommandContext,
  flags: UsageFlags,
): Promise<readonly UsageGroup[]> {
  const settings = await settingsOf(context);
  return withStore(settings, async (store) => {
    const deploymentId = await deploymentOf(store, flags.deployment);
    const nowMs = Date.now();
    // What the controller books once a minute, up to this moment.
    await keepBooks(store, createLogger({ level: "silent" }), nowMs);
    const from = new Date(Math.floor((nowMs - flags.sinceMs) / hourMs) * hourMs);
    const query = {
      from,
      to: new Date(nowMs),
      ...(deploymentId !== undefined && { deploymentId }),
    };
    return groupUsage(await store.usage.hours(query), flags.by);
  });
}

async function deploymentOf(store: Store, slug: string | undefined): Promise<number | undefined> {
  if (slug === undefined) return undefined;
  const found = await store.access.findDeployment(slug);
  if (found === undefined) throw new HearthError("deployment_not_found");
  return found.id;
}

const kpiTitles: Readonly<Record<KpiName, string>> = {
  coldStartMs: "cold start",
  modelLoadMs: "model load",
  inferenceMs: "inference",
  totalExecutionMs: "total execution",
  peakMemoryBytes: "peak memory",
  gpuUtilization: "GPU utilisation",
  costMicroUsd: "cost",
  errorRate: "error rate",
  queueWaitMs: "queue wait",
};

interface KpiRow {
  readonly name: KpiName;
  readonly figure: KpiFigure;
}

function cell(title: string, of: (figure: KpiFigure) => number | null): Column<KpiRow> {
  return { title, text: ({ name, figure }) => valueOf(name, of(figure)), align: "right" };
}

function describeGroup(group: UsageGroup): string {
  const rows = kpiNames.map((name) => ({ name, figure: group.kpis[name] }));
  const table = formatTable(rows, [
    { title: group.group.toUpperCase(), text: ({ name }) => kpiTitles[name] },
    { title: "COUNT", text: ({ figure }) => String(figure.count), align: "right" },
    cell("MEAN", ({ mean }) => mean),
    cell("P50", ({ p50 }) => p50),
    cell("P95", ({ p95 }) => p95),
    cell("P99", ({ p99 }) => p99),
    cell("MAX", ({ max }) => max),
  ]);
  const score =
    group.efficiencyScore === null || group.normalizedScore === null
      ? "nothing has run"
      : `efficiency score ${group.efficiencyScore.toFixed(1)}, normalised ${group.normalizedScore.toFixed(1)} of 100`;
  return `${table}\n${score}; busy ${percent(group.busyShare) || "0.0 %"} of the paid time`;
}

function attemptTable(rows: readonly AttemptRow[]): string {
  return formatTable(rows, [
    { title: "JOB", text: ({ jobId }) => jobId },
    { title: "EPOCH", text: ({ epoch }) => String(epoch), align: "right" },
    { title: "STATE", text: ({ state }) => state },
    ...kpiNames
      .filter((name) => name !== "errorRate")
      .map((name) => ({
        title: kpiTitles[name].toUpperCase(),
        text: ({ kpis }: AttemptRow) => valueOf(name, kpis[name]),
        align: "right" as const,
      })),
    money("WITH START AND IDLE", (row: AttemptRow) => row.allInMicroUsd),
  ]);
}

function valueOf(name: KpiName, value: number | null): string {
  if (value === null) return "";
  if (name === "peakMemoryBytes") return formatBytes(Math.round(value));
  if (name === "costMicroUsd") return formatMicroUsd(Math.round(value));
  return name === "errorRate" || name === "gpuUtilization"
    ? percent(value)
    : formatDurationMs(value);
}

function percent(share: number | null): string {
  return share === null ? "" : `${(100 * share).toFixed(1)} %`;
}
