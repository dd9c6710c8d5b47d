import type { AttemptContext } from "./attempt-context.ts";
import type { AttemptControl } from "./attempt-control.ts";
import { AttemptFailed } from "./attempt-failed.ts";
import { classifyExecutionError, failure, interruptedFromOutside } from "./classify.ts";
import type { HistoryEntry } from "./comfyui/history.ts";
import type { ComfySession } from "./comfyui/session.ts";
import { submitPrompt, type PromptRequest } from "./comfyui/submit.ts";
import { PromptWatch } from "./comfyui/watch.ts";
import { Unreachable } from "./http.ts";
import type { Reporter } from "./report.ts";
import { pause, within } from "./retry.ts";

const hangLookMs = 100;

/** What a prompt needs of its surroundings. */
type PromptContext = Pick<AttemptContext, "session" | "timings" | "life">;

/**
 * Runs a prompt and returns what it made. `onRan` may be told before that it has run well. Throws
 * `AttemptFailed`, or the attempt's interruption.
 */
export async function runPrompt(
  context: PromptContext,
  control: AttemptControl,
  reporter: Pick<Reporter, "hear" | "currentClass">,
  request: PromptRequest,
  onRan?: () => void,
): Promise<HistoryEntry> {
  const { session, timings, life } = context;
  const { promptId } = request;
  const { signal } = control;
  const onEvent: Reporter["hear"] = (event) => reporter.hear(event);
  const currentClass = (): string | null => reporter.currentClass;
  const watch = new PromptWatch({
    session,
    promptId,
    timings,
    signal,
    onEvent,
    currentClass,
    onRan,
  });
  try {
    signal.throwIfAborted();
    control.livePromptId = promptId;
    // Not ended by an interruption: a request given up on could be queued after its own cancel.
    const submission = await submitPrompt(session, request, timings, life);
    if (submission.kind === "rejected") {
      control.livePromptId = undefined;
      throw new AttemptFailed(submission.failure);
    }
    if (submission.kind === "unreachable") throw crashed(submission.reason);
    const end = await watch.end();
    if (end.kind === "lost") throw crashed(end.reason);
    if (end.kind === "hung") return await endHang(context, promptId, end.silentMs, currentClass());
    control.livePromptId = undefined;
    return successOf(end.entry);
  } finally {
    watch.close();
  }
}

function successOf(entry: HistoryEntry): HistoryEntry {
  if (entry.status === "success") return entry;
  throw new AttemptFailed(
    entry.status === "error" ? classifyExecutionError(entry.error) : interruptedFromOutside(),
  );
}

/** Interrupts a hanging prompt. One that was only slow may end well meanwhile. */
async function endHang(
  { session, timings }: PromptContext,
  promptId: string,
  silentMs: number,
  className: string | null,
): Promise<HistoryEntry> {
  const entry = await within(timings.hangGraceMs, [session.gone], (signal) =>
    waitForEntry(session, promptId, signal),
  ).catch(() => undefined);
  if (entry?.status === "success") return entry;
  const where = className === null ? "" : ` in ${className}`;
  const message = `No sign of progress${where} for ${Math.round(silentMs / 1000)} s.`;
  throw new AttemptFailed(failure("transient", "hang", message, "restart"));
}

/** Throws when the signal aborts. */
async function waitForEntry(
  { client }: ComfySession,
  promptId: string,
  signal: AbortSignal,
): Promise<HistoryEntry> {
  let isInterrupted = false;
  for (;;) {
    try {
      const entry = await client.history(promptId, signal);
      if (entry !== undefined) return entry;
      if (!isInterrupted) await client.interrupt(promptId, signal);
      isInterrupted = true;
    } catch (thrown) {
      if (!(thrown instanceof Unreachable)) throw thrown;
    }
    await pause(hangLookMs, signal);
  }
}

function crashed(reason: string): AttemptFailed {
  return new AttemptFailed(failure("transient", "comfyui_crashed", `${reason}.`, "restart"));
}
