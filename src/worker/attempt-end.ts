import { HearthError, errorMessage } from "../kernel/errors.ts";
import type { FailRequest, Timings } from "../protocol/worker-link.ts";
import type { AttemptContext } from "./attempt-context.ts";
import { interruptionOf, type AttemptControl } from "./attempt-control.ts";
import { AttemptFailed, GivenBack } from "./attempt-failed.ts";
import { failure, type Failure } from "./classify.ts";
import { cancelPrompt } from "./comfyui/cancel.ts";
import { MissingOutput } from "./fetch-output.ts";
import { Unreachable } from "./http.ts";
import { Refused, isStale } from "./link-errors.ts";

/** An attempt that did not come to its result. */
export interface BrokenAttempt {
  readonly control: AttemptControl;
  readonly thrown: unknown;
  readonly timeoutMs: number;
  readonly timings: Timings;
}

type Ending =
  | { readonly kind: "dropped" }
  | { readonly kind: "canceled" }
  | { readonly kind: "given_back" }
  | { readonly kind: "failed"; readonly failure: Failure };

/** When the agent is to end, there is no time for a server that does not obey. */
const leavingCancelMs = 2_000;

/**
 * Leaves ComfyUI ready for the next prompt and tells the gateway how the attempt ended. Throws
 * `Refused`, and the abort of the agent's life.
 */
export async function endAttempt(context: AttemptContext, broken: BrokenAttempt): Promise<void> {
  const { life, logger } = context;
  const { control, thrown } = broken;
  const ending = endingOf(context, broken);
  const found = ending.kind === "failed" ? ending.failure : undefined;
  const fields = { ...control.ref, ending: ending.kind, code: found?.error.code };
  logger.info({ ...fields, cause: errorMessage(thrown) }, "an attempt ended without a result");
  await clearPrompt(context, control, found);
  if (thrown instanceof Refused) throw thrown;
  if (ending.kind === "dropped" || control.isReleased || life.aborted) return;
  try {
    if (ending.kind === "given_back") {
      await context.link.release(control.ref, { reason: "not_ready" }, life);
      return;
    }
    const log = await context.log.read();
    if (ending.kind === "canceled") {
      await context.link.canceled(control.ref, log, life);
      return;
    }
    const { failureClass, error } = ending.failure;
    const request = {
      failureClass,
      error,
      ...memoryOf(control, ending.failure),
      log,
      timings: broken.timings,
    };
    await context.link.fail(control.ref, request, life);
  } catch (fault) {
    if (!(fault instanceof HearthError)) throw fault;
    // Superseded meanwhile, or not understood: then the lease decides.
    logger.warn({ ...fields, fault: fault.code }, "the gateway did not take an attempt's end");
  }
}

function endingOf(context: AttemptContext, broken: BrokenAttempt): Ending {
  const { control, thrown, timeoutMs } = broken;
  if (isStale(thrown) || thrown instanceof Refused || context.life.aborted) {
    return { kind: "dropped" };
  }
  if (!control.isCompleting) {
    const kind = interruptionOf(control.signal);
    if (kind === "cancel") return { kind: "canceled" };
    if (kind === "stale" || kind === "shutdown") return { kind: "dropped" };
    if (kind === "deadline") return { kind: "failed", failure: deadlineExceeded(timeoutMs) };
  }
  if (thrown instanceof GivenBack) return { kind: "given_back" };
  return { kind: "failed", failure: failureOf(context, thrown) };
}

/** What running out of memory teaches. */
function memoryOf(
  { lease }: AttemptControl,
  { failureClass }: Failure,
): Pick<FailRequest, "memory"> {
  if (failureClass !== "out_of_memory" || lease === undefined) return {};
  const { reckonedBytes, availableBytes } = lease;
  return { memory: { reckonedBytes, availableBytes } };
}

/** Ends a prompt that still runs, and does what the failure calls for. Never rejects. */
async function clearPrompt(
  { session, timings, restart, life, logger, models }: AttemptContext,
  { livePromptId, signal }: AttemptControl,
  found: Failure | undefined,
): Promise<void> {
  if (found?.remedy === "restart") return restart(found.error.message, livePromptId);
  const isLeaving = interruptionOf(signal) === "shutdown";
  // What we started ourselves ends with us.
  const endsAnyway = isLeaving && session.log !== undefined;
  if (livePromptId !== undefined && !endsAnyway) {
    const cancelMs = isLeaving ? Math.min(timings.cancelMs, leavingCancelMs) : timings.cancelMs;
    const end = await cancelPrompt(session, livePromptId, { ...timings, cancelMs });
    if (end === "stuck") restart("a canceled prompt does not end", livePromptId);
  }
  if (found?.remedy !== "free_memory") return;
  try {
    await session.client.free({ models: true, cache: true }, life);
    models?.freed();
  } catch (thrown) {
    logger.warn({ cause: errorMessage(thrown) }, "ComfyUI's memory could not be freed");
  }
}

function failureOf(context: AttemptContext, thrown: unknown): Failure {
  if (thrown instanceof AttemptFailed) return thrown.failure;
  const cause = errorMessage(thrown);
  if (thrown instanceof MissingOutput) {
    const message = `ComfyUI no longer has a file that it made (${cause}).`;
    return failure("transient", "upload_failed", message);
  }
  if (thrown instanceof Unreachable || context.session.gone.aborted) {
    return failure("transient", "comfyui_crashed", `ComfyUI does not answer: ${cause}`, "restart");
  }
  if (thrown instanceof HearthError) {
    return failure("transient", "upload_failed", `The gateway did not take the result: ${cause}`);
  }
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  context.logger.error({ cause, stack }, "an attempt met an unexpected failure");
  return failure("transient", "upstream_error", `The worker failed: ${cause}`);
}

function deadlineExceeded(timeoutMs: number): Failure {
  const message = `The job was still running at the end of its time, ${Math.round(timeoutMs / 1000)} s after this attempt began.`;
  return failure("user", "deadline_exceeded", message);
}
