import { randomUUID } from "node:crypto";

import type { AttemptContext } from "./attempt-context.ts";
import { AttemptControl } from "./attempt-control.ts";
import { cancelPrompt } from "./comfyui/cancel.ts";
import { prepareModels } from "./models/prepare-models.ts";
import { runPrompt } from "./prompt-run.ts";
import { Reporter } from "./report.ts";

const never = 2_147_483_647;

/**
 * Runs a workflow that is nobody's job and of which nobody hears; its outputs stay where they are.
 * Throws `AttemptFailed`, or the reason of `signal`.
 */
export async function runQuietly(
  context: AttemptContext,
  workflow: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<void> {
  const control = new AttemptControl({ jobId: randomUUID(), epoch: 1 });
  const stop = (): void => control.interrupt("shutdown");
  signal.addEventListener("abort", stop, { once: true });
  const reporter = new Reporter({
    classes: new Map(),
    intervalMs: never,
    firstMs: never,
    send: async () => "continue",
    onVerdict: () => undefined,
  });
  const models = await prepareModels(context, workflow);
  try {
    const attempt = { context, control, reporter, workflow, extraData: {}, signal };
    await models?.arrive(attempt, {});
    const leave = await context.lane.take(signal);
    try {
      const request = { promptId: randomUUID(), workflow, extraData: {} };
      await runPrompt(context, control, reporter, request);
      models?.ran();
    } finally {
      const { livePromptId } = control;
      if (livePromptId !== undefined) {
        await cancelPrompt(context.session, livePromptId, context.timings);
      }
      leave();
    }
  } finally {
    reporter.stop();
    models?.release();
    signal.removeEventListener("abort", stop);
  }
}
