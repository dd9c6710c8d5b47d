import { setTimeout as delay } from "node:timers/promises";

import { applyRollout, removeRollout, type OnStep } from "../../control/rollout.ts";
import { describeStep, summarize } from "../../deploy/plan/describe.ts";
import { historyOf, type ReleaseContent } from "../../deploy/plan/release.ts";
import { planRemoval } from "../../deploy/plan/steps.ts";
import type { RolloutAction } from "../../store/releases.ts";
import type { Store } from "../../store/store.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { confirm } from "../deploy/confirm.ts";
import { releaseOf, type ReleaseFlags } from "../deploy/release.ts";
import {
  deployReleaseOf,
  keptRollouts,
  previousRelease,
  recorded,
  storedRelease,
} from "../deploy/stored.ts";
import { refuseWhileScaled } from "../deploy/still-scaled.ts";
import { CliFailure } from "../failure.ts";
import { formatTable } from "../table.ts";
import {
  plannedRelease,
  planOf,
  planText,
  storeFor,
  withDeployer,
  type PlanFlags,
} from "./deploy-plan.ts";

/** Which deployment on which platform. */
export interface PlaceFlags {
  readonly to: string;
  readonly name: string;
}

/** `hearth deploy apply`. */
export function applyDeployment(
  context: CommandContext,
  flags: PlanFlags & { readonly yes?: boolean },
): Promise<void> {
  return storeFor(context, async (store) => {
    const content = await releaseOf(context, store, flags);
    await roll(context, store, content, "apply", flags);
  });
}

/** `hearth deploy rollback`: the release before, or the one that is named. */
export function rollbackDeployment(
  context: CommandContext,
  flags: PlaceFlags & { readonly release?: string; readonly yes?: boolean },
): Promise<void> {
  const { to, name, release } = flags;
  return storeFor(context, async (store) => {
    const content =
      release === undefined
        ? await previousRelease(store, to, name)
        : await storedRelease(store, release);
    if (content.platform !== to || content.name !== name) {
      const message = `The release is one of ${content.name} on ${content.platform}.`;
      throw new CliFailure("usage", message);
    }
    await roll(context, store, content, "rollback", flags);
  });
}

async function roll(
  context: CommandContext,
  store: Store,
  content: ReleaseContent,
  action: RolloutAction,
  flags: { readonly yes?: boolean } & Pick<PlanFlags, "workflow" | "lock" | "render">,
): Promise<void> {
  const { output } = context;
  await withDeployer(context, content, async (deployer) => {
    const planned = await plannedRelease(context, deployer, content, flags);
    const { platform, name } = content;
    const { live, isUnfinished } = historyOf(
      await store.releases.rollouts(platform, name, keptRollouts),
    );
    const { steps } = planned.plan;
    const isLive = live === planned.release && !isUnfinished;
    if (steps.length > 0) {
      output.note(planText(planned));
      await confirm(context, `Apply ${summarize(steps)}?`, flags.yes === true);
    }
    if (steps.length > 0 || !isLive) {
      await recorded(store, content, action, () =>
        applyRollout(deployer, name, planned.resources, progress(context)),
      );
    }
    output.result(planOf(planned), `${name} on ${platform} has release ${planned.release}`);
  });
}

/** Ten minutes in all; jobs that take longer are waited for by asking again. */
const drainPatience = { maxLooks: 120, waitMs: 5_000, sleep: (ms: number) => delay(ms) };

/** `hearth deploy destroy`: lets workers finish, then removes all that bears our mark. */
export function destroyDeployment(
  context: CommandContext,
  flags: PlaceFlags & { readonly yes?: boolean } & Pick<ReleaseFlags, "place">,
): Promise<void> {
  const { to, name } = flags;
  return storeFor(context, async (store) => {
    const content = await deployReleaseOf(store, to, name);
    if (content === undefined) {
      throw new CliFailure("usage", `Nothing called ${name} was ever applied to ${to}.`);
    }
    await refuseWhileScaled(store, await settingsOf(context), content);
    await withDeployer(context, content, async (deployer) => {
      const found = await deployer.read(name, []);
      const steps = planRemoval(name, found);
      context.output.note(steps.flatMap(describeStep).join("\n"));
      await confirm(context, `Remove all ${steps.length}?`, flags.yes === true);
      const removed = await recorded(store, content, "destroy", () =>
        removeRollout(deployer, name, drainPatience, progress(context)),
      );
      context.output.result({ platform: to, name, removed }, `removed ${removed} resource(s)`);
    });
  });
}

/** `hearth deploy status`: what is live, since when and by whom, and whether it still is. */
export function showDeployment(context: CommandContext, flags: PlaceFlags): Promise<void> {
  const { to, name } = flags;
  return storeFor(context, async (store) => {
    const rollouts = await store.releases.rollouts(to, name, 20);
    const history = historyOf(rollouts);
    const table = formatTable(rollouts, [
      { title: "STARTED", text: (row) => row.startedAt.toISOString() },
      { title: "ACTION", text: (row) => row.action },
      { title: "RELEASE", text: (row) => row.releaseId ?? "" },
      { title: "BY", text: (row) => row.actor },
      { title: "FINISHED", text: (row) => row.finishedAt?.toISOString() ?? "not finished" },
    ]);
    const content = history.live === null ? undefined : await storedRelease(store, history.live);
    const planned =
      content &&
      (await withDeployer(context, content, (deployer) =>
        plannedRelease(context, deployer, content, {}),
      ));
    const state = planned === undefined ? "nothing is live" : planText(planned);
    const drift = planned === undefined ? null : planOf(planned);
    context.output.result({ ...history, drift, rollouts }, `${table}\n\n${state}`);
  });
}

/** One line a step, with how far it is. */
function progress({ output }: CommandContext): OnStep {
  return (step, index, count) => {
    const [head = ""] = describeStep(step);
    output.note(`[${index + 1}/${count}] ${head}`);
  };
}
