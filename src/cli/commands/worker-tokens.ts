import { createHash, randomBytes } from "node:crypto";

import { mintToken } from "../../gateway/credentials.ts";
import { HearthError } from "../../kernel/errors.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { withStore } from "../store-access.ts";
import { formatTable } from "../table.ts";

export interface WorkerTokenFlags {
  readonly deployment: string;
  readonly validMs: number;
}

/** `hearth workers token create`: prints a token that lets workers in, once. */
export async function createWorkerToken(
  context: CommandContext,
  flags: WorkerTokenFlags,
): Promise<void> {
  const { deployment: slug, validMs } = flags;
  const settings = await settingsOf(context);
  const { token, tokenHash } = mintToken(randomBytes(32));
  await withStore(settings, async (store) => {
    const deployment = await store.access.findDeployment(slug);
    if (deployment === undefined) {
      throw new HearthError("deployment_not_found", { details: { deployment: slug } });
    }
    const { id: deploymentId } = deployment;
    const enrollment = { tokenHash, deploymentId, instanceId: null, validMs, isStanding: true };
    await store.workers.createEnrollment(enrollment);
  });
  const id = Buffer.from(tokenHash).toString("hex").slice(0, 12);
  context.output.note(
    "this token is shown only now; give it to workers as HEARTH_ENROLLMENT_TOKEN",
  );
  context.output.result({ id, token, deployment: slug }, token);
}

/** `hearth workers token ls`: never shows a secret. */
export async function listWorkerTokens(context: CommandContext): Promise<void> {
  const settings = await settingsOf(context);
  const tokens = await withStore(settings, (store) => store.workers.listStandingEnrollments());
  const text = formatTable(tokens, [
    { title: "ID", text: ({ id }) => id },
    { title: "DEPLOYMENT", text: ({ deployment }) => deployment },
    { title: "CREATED", text: ({ createdAt }) => createdAt.toISOString() },
    { title: "EXPIRES", text: ({ expiresAt }) => expiresAt.toISOString() },
  ]);
  context.output.result(tokens, text);
}

/** `hearth workers token revoke`: lets nobody in any more; workers that are in stay. */
export async function revokeWorkerToken(context: CommandContext, name: string): Promise<void> {
  const settings = await settingsOf(context);
  // The whole token works too, and its hash is all of it that goes on.
  const id = name.startsWith("hw_")
    ? createHash("sha256").update(name).digest("hex").slice(0, 12)
    : name;
  const isRevoked = await withStore(settings, (store) =>
    store.workers.revokeStandingEnrollment(id),
  );
  if (!isRevoked) throw new HearthError("not_found", { message: `There is no token ${id}.` });
  context.output.result({ id, revoked: true }, `${id} revoked`);
}
