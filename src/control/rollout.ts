import { describeStep } from "../deploy/plan/describe.ts";
import type { FoundResource, Resource } from "../deploy/plan/resource.ts";
import { planRemoval, planSteps, type PlanOfSteps, type PlanStep } from "../deploy/plan/steps.ts";
import { HearthError } from "../kernel/errors.ts";
import type { Deployer } from "../platforms/deployer.ts";

/** What is told while a rollout goes on. */
export type OnStep = (step: PlanStep, index: number, count: number) => void;

/** Compares what is wanted with what is really there. Changes nothing. */
export async function planRollout(
  deployer: Deployer,
  deployment: string,
  wanted: readonly Resource[],
): Promise<PlanOfSteps> {
  return planSteps(deployment, wanted, await deployer.read(deployment, wanted));
}

/**
 * Makes what is there what is wanted, one step after another, and looks again: what still differs
 * is an error, since the next plan would show it. Errors: `platform_refused`, those of the deployer.
 */
export async function applyRollout(
  deployer: Deployer,
  deployment: string,
  wanted: readonly Resource[],
  onStep: OnStep,
): Promise<number> {
  const { steps, conflicts } = await planRollout(deployer, deployment, wanted);
  if (conflicts.length > 0) throw refused(`Names are taken: ${conflicts.join("; ")}.`);
  await performAll(deployer, steps, onStep);
  if (steps.length === 0) return 0;
  const { steps: left } = await planRollout(deployer, deployment, wanted);
  if (left.length === 0) return steps.length;
  const lines = left.flatMap(describeStep).slice(0, 20).join("\n");
  throw refused(`The platform took the changes and shows others:\n${lines}`);
}

/** How long a removal waits for what still runs. */
export interface DrainPatience {
  readonly maxLooks: number;
  readonly waitMs: number;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Lets what runs finish, then removes all that bears the deployment's mark. Errors:
 * `service_unavailable` while something still runs, those of the deployer.
 */
export async function removeRollout(
  deployer: Deployer,
  deployment: string,
  patience: DrainPatience,
  onStep: OnStep,
): Promise<number> {
  const found = await deployer.read(deployment, []);
  const own = found.filter((each) => each.deployment === deployment);
  for (const each of own) await deployer.drain?.(each);
  await untilIdle(deployer, own, patience);
  const steps = planRemoval(deployment, found);
  await performAll(deployer, steps, onStep);
  const left = planRemoval(deployment, await deployer.read(deployment, []));
  if (left.length > 0) throw refused(`Still there: ${left.flatMap(describeStep).join("; ")}.`);
  return steps.length;
}

async function untilIdle(
  deployer: Deployer,
  found: readonly FoundResource[],
  { maxLooks, waitMs, sleep }: DrainPatience,
): Promise<void> {
  for (let look = 1; ; look++) {
    let running = 0;
    for (const each of found) running += (await deployer.running?.(each)) ?? 0;
    if (running === 0) return;
    if (look >= maxLooks) {
      const message = `${running} worker(s) still run; nothing has been removed.`;
      throw new HearthError("service_unavailable", { message, retryAfterSeconds: 60 });
    }
    await sleep(waitMs);
  }
}

async function performAll(
  deployer: Deployer,
  steps: readonly PlanStep[],
  onStep: OnStep,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    onStep(step, index, steps.length);
    await perform(deployer, step);
  }
}

async function perform(deployer: Deployer, step: PlanStep): Promise<void> {
  switch (step.action) {
    case "create":
      return deployer.create(step.resource);
    case "update":
      return deployer.update(step.resource, step.found);
    case "replace":
      await deployer.remove(step.found);
      return deployer.create(step.resource);
    case "delete":
      return deployer.remove(step.found);
  }
}

function refused(message: string): HearthError {
  return new HearthError("platform_refused", { message });
}
