import { readFile } from "node:fs/promises";

import { scalingSettingsSchema, type ScalingSettings } from "../../autoscaler/settings.ts";
import { scheduleFault } from "../../control/scaling/schedules.ts";
import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { formatMicroUsd } from "../../kernel/money.ts";
import type { DeploymentRecord } from "../../store/access.ts";
import type { Store } from "../../store/store.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { withStore } from "../store-access.ts";
import { formatTable } from "../table.ts";

export interface ScaleFlags {
  readonly min?: number;
  readonly max?: number;
  readonly strategy?: string;
  readonly platform?: readonly string[];
  readonly coldStartValue?: number;
  readonly hourlyBudget?: number;
  readonly settings?: string;
  readonly off?: boolean;
}

/** `hearth scale set`: what is not given stays as it was. */
export async function setScaling(
  context: CommandContext,
  name: string,
  flags: ScaleFlags,
): Promise<void> {
  const given = flags.settings === undefined ? {} : await readSettings(context, flags.settings);
  const settings = await settingsOf(context);
  const outcome = await withStore(settings, async (store) => {
    const deployment = await findDeployment(store, name);
    if (flags.off === true) {
      await store.scaling.set(deployment.id, null);
      return null;
    }
    const before = await storedSettings(store, deployment.id);
    const merged = parse({ ...before, ...given, ...fromFlags(flags, before) });
    await store.scaling.set(deployment.id, merged);
    return merged;
  });
  if (outcome === null) {
    context.output.result({ deployment: name, scaling: null }, `${name} keeps the workers it has`);
    return;
  }
  const { minWorkers, maxWorkers, strategy } = outcome;
  const text = `${name}: ${minWorkers} to ${maxWorkers} workers, ${strategy}`;
  context.output.result({ deployment: name, scaling: outcome }, text);
}

/** `hearth scale ls`. */
export async function listScaling(context: CommandContext): Promise<void> {
  const settings = await settingsOf(context);
  const rows = await withStore(settings, async (store) => {
    const records = await store.scaling.list();
    return records.map(({ deployment, settings: stored }) => {
      const parsed = scalingSettingsSchema.safeParse(stored);
      return { deployment, settings: parsed.success ? parsed.data : null };
    });
  });
  const of = (read: (found: ScalingSettings) => string) => (row: (typeof rows)[number]) =>
    row.settings === null ? "?" : read(row.settings);
  const text = formatTable(rows, [
    { title: "DEPLOYMENT", text: (row) => row.deployment },
    { title: "STRATEGY", text: of(({ strategy }) => strategy) },
    { title: "MIN", text: of(({ minWorkers }) => String(minWorkers)), align: "right" },
    { title: "MAX", text: of(({ maxWorkers }) => String(maxWorkers)), align: "right" },
    { title: "PLATFORMS", text: of(({ platforms }) => platforms?.join(", ") ?? "all") },
    {
      title: "BUDGET/H",
      text: of(({ hourlyBudgetMicroUsd: cap }) => (cap === null ? "" : formatMicroUsd(cap))),
    },
    { title: "SCHEDULES", text: of(({ schedules }) => String(schedules.length)), align: "right" },
  ]);
  context.output.result(rows, text);
}

export async function findDeployment(store: Store, name: string): Promise<DeploymentRecord> {
  const deployment = await store.access.findDeployment(name);
  if (deployment === undefined) throw new HearthError("deployment_not_found");
  return deployment;
}

async function storedSettings(store: Store, deploymentId: number): Promise<object> {
  const records = await store.scaling.list();
  const stored = records.find((record) => record.deploymentId === deploymentId)?.settings;
  const parsed = scalingSettingsSchema.safeParse(stored);
  return parsed.success ? parsed.data : {};
}

function fromFlags(flags: ScaleFlags, before: object): object {
  const { min, max, strategy, platform, coldStartValue, hourlyBudget } = flags;
  const policy = "policy" in before && typeof before.policy === "object" ? before.policy : {};
  return {
    ...(min !== undefined && { minWorkers: min }),
    ...(max !== undefined && { maxWorkers: max }),
    ...(strategy !== undefined && { strategy }),
    ...(platform !== undefined && { platforms: platform }),
    ...(coldStartValue !== undefined && {
      policy: { ...policy, coldStartMicroUsd: coldStartValue },
    }),
    ...(hourlyBudget !== undefined && { hourlyBudgetMicroUsd: hourlyBudget }),
  };
}

async function readSettings(context: CommandContext, file: string): Promise<object> {
  try {
    const path = new URL(file, `file://${context.io.folder}/`);
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof value === "object" && value !== null) return value;
    throw new Error("it holds no JSON object");
  } catch (cause) {
    throw new CliFailure("usage", `${file} cannot be read: ${errorMessage(cause)}.`);
  }
}

function parse(value: object): ScalingSettings {
  const parsed = scalingSettingsSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join(".") || "settings";
    throw new CliFailure("usage", `${field}: ${issue?.message ?? "invalid"}.`);
  }
  for (const [index, schedule] of parsed.data.schedules.entries()) {
    const fault = scheduleFault(schedule);
    if (fault !== undefined) throw new CliFailure("usage", `schedules.${index}: ${fault}.`);
  }
  return parsed.data;
}
