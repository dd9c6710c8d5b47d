import { hostname, userInfo } from "node:os";

import {
  historyOf,
  releaseContentSchema,
  releaseIdOf,
  type ReleaseContent,
} from "../../deploy/plan/release.ts";
import { HearthError } from "../../kernel/errors.ts";
import { releaseSchema } from "../../protocol/worker-link.ts";
import type { RolloutAction } from "../../store/releases.ts";
import type { Store } from "../../store/store.ts";
import { findDeployment } from "../commands/scale.ts";
import { CliFailure } from "../failure.ts";

/** How far back a rollback looks. */
export const keptRollouts = 200;

/** The release that is live, or was last tried; undefined: nothing is there. */
export async function deployReleaseOf(
  store: Store,
  platform: string,
  name: string,
): Promise<ReleaseContent | undefined> {
  const rollouts = await store.releases.rollouts(platform, name, keptRollouts);
  const id = historyOf(rollouts).live ?? rollouts[0]?.releaseId ?? null;
  return id === null ? undefined : storedRelease(store, id);
}

/** Errors: `not_found`, `config_invalid` for one of another version of Hearth. */
export async function storedRelease(store: Store, id: string): Promise<ReleaseContent> {
  const found = await store.releases.findRelease(id);
  if (found === undefined) {
    throw new HearthError("not_found", { message: `There is no release ${id}.` });
  }
  const parsed = releaseContentSchema.safeParse(found.content);
  if (parsed.success) return parsed.data;
  const message = `The release ${id} is of another version of Hearth; apply it anew.`;
  throw new HearthError("config_invalid", { message });
}

/** Errors: `usage` where there is none. */
export async function previousRelease(
  store: Store,
  platform: string,
  name: string,
): Promise<ReleaseContent> {
  const { previous } = historyOf(await store.releases.rollouts(platform, name, keptRollouts));
  if (previous !== null) return storedRelease(store, previous);
  throw new CliFailure("usage", `${name} on ${platform} has no release before the live one.`);
}

/**
 * Notes who does what, does it, and notes that it is done. What is cut off in between stays
 * unfinished, and the same command finishes it.
 */
export async function recorded<T>(
  store: Store,
  content: ReleaseContent,
  action: RolloutAction,
  body: () => Promise<T>,
): Promise<T> {
  const { platform, name } = content;
  const deployment = await findDeployment(store, content.deployment);
  const id = releaseIdOf(content);
  await store.releases.saveRelease({ id, platform, content });
  const releaseId = action === "destroy" ? null : id;
  const actor = `${userInfo().username}@${hostname()}`;
  const rollout = { deploymentId: deployment.id, platform, name, action, releaseId, actor };
  const started = await store.releases.startRollout(rollout);
  const done = await body();
  if (action !== "destroy" && content.lock !== null) {
    await store.access.setRelease(deployment.id, releaseSchema.parse(content.lock));
  }
  await store.releases.finishRollout(started);
  return done;
}
