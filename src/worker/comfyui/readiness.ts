import { errorMessage } from "../../kernel/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import type { AgentTimings } from "../agent-options.ts";
import { Unreachable } from "../http.ts";
import { pause, retrying } from "../retry.ts";
import { cancelPrompt } from "./cancel.ts";
import type { ComfyClient } from "./client.ts";
import type { LogPlace } from "./server-log.ts";

/**
 * Asks until the server answers, and returns its `/system_stats`. Starting may take minutes, so
 * nothing but `gone` ends this.
 */
export async function probe(
  client: ComfyClient,
  timings: AgentTimings,
  gone: AbortSignal,
): Promise<unknown> {
  let waitMs = timings.probeMs / 10;
  for (;;) {
    try {
      return await client.systemStats(gone);
    } catch (thrown) {
      if (!(thrown instanceof Unreachable)) throw thrown;
    }
    await pause(waitMs, gone);
    waitMs = Math.min(timings.probeMs, waitMs * 1.5);
  }
}

/** Reads the catalogue of nodes, however often that takes: without it no job can be judged. */
export async function readObjectInfo(
  client: ComfyClient,
  timings: AgentTimings,
  logger: Logger,
  gone: AbortSignal,
): Promise<unknown> {
  return retrying(() => client.objectInfo(gone), {
    minMs: timings.retryMinMs,
    maxMs: timings.retryMaxMs,
    signal: gone,
    isRetryable: (thrown) => thrown instanceof Unreachable,
    onRetry: (thrown) => logger.warn({ cause: errorMessage(thrown) }, "no list of nodes yet"),
  });
}

/** Ends prompts that an earlier attempt had to leave behind: the next would wait for them. */
export async function clearStrays(
  client: ComfyClient,
  strays: Set<string>,
  timings: AgentTimings,
  gone: AbortSignal,
): Promise<void> {
  for (const promptId of strays) {
    while ((await cancelPrompt({ client, gone }, promptId, timings)) === "stuck") {
      gone.throwIfAborted();
    }
    gone.throwIfAborted();
    strays.delete(promptId);
  }
}

/** What a server wrote before we came belongs to no attempt. */
export async function markLog(
  client: ComfyClient,
  place: LogPlace,
  gone: AbortSignal,
): Promise<void> {
  try {
    place.advance(await client.logEntries(gone));
  } catch {
    place.isUnavailable = true;
  }
}
