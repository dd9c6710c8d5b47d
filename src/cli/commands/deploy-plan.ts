import { resolve } from "node:path";

import { planRollout } from "../../control/rollout.ts";
import { renderers } from "../../deploy/manifests/render.ts";
import { describeStep, summarize } from "../../deploy/plan/describe.ts";
import type { ReleaseContent } from "../../deploy/plan/release.ts";
import type { Resource } from "../../deploy/plan/resource.ts";
import type { PlanOfSteps } from "../../deploy/plan/steps.ts";
import type { Deployer } from "../../platforms/deployer.ts";
import type { Store } from "../../store/store.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { priceOf, priceText, warningsOf, type HourlyPrice } from "../deploy/price.ts";
import { releaseOf, wantedOf, type ReleaseFlags } from "../deploy/release.ts";
import { writeRendered } from "./deploy.ts";
import { openDeployer } from "../deploy/targets.ts";
import { exitCodes } from "../exit-codes.ts";
import { catalogueOf } from "../pricing/catalogue-of.ts";
import { subjectOf } from "../pricing/subject.ts";
import { withStore } from "../store-access.ts";

export interface PlanFlags extends ReleaseFlags {
  readonly workflow?: string;
  /** Where the manifests go as well. */
  readonly render?: string;
}

/** A plan with all that is told of it. */
export interface PlannedRelease {
  readonly content: ReleaseContent;
  readonly release: string;
  readonly resources: readonly Resource[];
  readonly plan: PlanOfSteps;
  readonly price: HourlyPrice | null;
  readonly warnings: readonly string[];
}

/** `hearth deploy plan`: exit code 10 where something would change. */
export async function planDeployment(context: CommandContext, flags: PlanFlags): Promise<number> {
  const settings = await settingsOf(context);
  const planned = await withStore(settings, async (store) => {
    const content = await releaseOf(context, store, flags);
    return withDeployer(context, content, (deployer) =>
      plannedRelease(context, deployer, content, flags),
    );
  });
  context.output.result(planOf(planned), planText(planned));
  const { steps, conflicts } = planned.plan;
  return steps.length + conflicts.length === 0 ? exitCodes.ok : exitCodes.changes;
}

/** Opens the platform's deployer and closes it again. */
export async function withDeployer<T>(
  context: CommandContext,
  content: ReleaseContent,
  body: (deployer: Deployer) => Promise<T>,
): Promise<T> {
  const { io } = context;
  const { dataDir } = await settingsOf(context);
  const where = { ...content, dataDir: resolve(io.folder, dataDir) };
  const deployer = await openDeployer(content.platform, where, io.environment);
  try {
    return await body(deployer);
  } finally {
    deployer.close?.();
  }
}

export async function plannedRelease(
  context: CommandContext,
  deployer: Deployer,
  content: ReleaseContent,
  { workflow, lock, render }: Pick<PlanFlags, "workflow" | "lock" | "render">,
): Promise<PlannedRelease> {
  const catalogue = await catalogueOf(context);
  const { target, resources } = wantedOf(content, catalogue);
  if (render !== undefined) {
    const rendered = renderers[content.platform]?.(target.plan);
    if (rendered?.ok === true)
      await writeRendered(resolve(context.io.folder, render), rendered.files);
  }
  const vramBytes =
    workflow === undefined
      ? null
      : (await subjectOf(context, catalogue, subjectFlags(content.gpu, workflow, lock))).vramBytes;
  return {
    content,
    resources,
    release: target.release,
    plan: await planRollout(deployer, content.name, resources),
    price: priceOf(catalogue, content),
    warnings: warningsOf(catalogue, content, vramBytes),
  };
}

function subjectFlags(on: string, workflow: string, lock: string | undefined) {
  const unknown = { vramBytes: undefined, weightsBytes: undefined, runMs: undefined };
  return { ...unknown, workflow, lock, on, images: 1 };
}

export function planText({ content, release, plan, price, warnings }: PlannedRelease): string {
  const { platform, name } = content;
  return [
    ...plan.steps.flatMap(describeStep),
    ...plan.conflicts.map((conflict) => `! ${conflict}`),
    ...warnings.map((warning) => `warning: ${warning}`),
    `${name} on ${platform}, release ${release}: ${summarize(plan.steps)}`,
    `price: ${priceText(price, content)}`,
  ].join("\n");
}

export function planOf({ content, release, plan, price, warnings }: PlannedRelease): object {
  const { platform, name } = content;
  const { conflicts } = plan;
  const steps = plan.steps.map((step) => {
    const { kind, name: called } = step.action === "delete" ? step.found : step.resource;
    const { action, reason, changes } = step;
    return { action, kind, name: called, reason, changes };
  });
  return { platform, name, release, steps, conflicts, price, warnings };
}

/** Whose deployment it is has to be known before anything is rented. */
export async function storeFor<T>(
  context: CommandContext,
  body: (store: Store) => Promise<T>,
): Promise<T> {
  return withStore(await settingsOf(context), body);
}
