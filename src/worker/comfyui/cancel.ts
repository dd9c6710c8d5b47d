import { Unreachable } from "../http.ts";
import { pause, within } from "../retry.ts";
import type { ComfyClient } from "./client.ts";
import type { ComfySession } from "./session.ts";

type Server = Pick<ComfySession, "client" | "gone">;

export interface CancelTimings {
  readonly cancelRepeatMs: number;
  readonly cancelMs: number;
}

const firstLookMs = 10;

/**
 * Ends a prompt and waits until it is seen to have ended. A cancel can be lost, even one that was
 * confirmed, because ComfyUI forgets it at the start of a prompt; so it is repeated. Never rejects:
 * `stuck` when the prompt still runs, or nobody answers, after `cancelMs`.
 */
export async function cancelPrompt(
  server: Server,
  promptId: string,
  timings: CancelTimings,
): Promise<"ended" | "stuck"> {
  const { client, gone } = server;
  try {
    await within(timings.cancelMs, [gone], async (signal) => {
      do await attempt(() => client.cancel(promptId, signal));
      while (!(await endsWithin(client, promptId, timings.cancelRepeatMs, signal)));
    });
    return "ended";
  } catch {
    return gone.aborted ? "ended" : "stuck";
  }
}

/** Looks at growing intervals. Throws when the signal aborts. */
async function endsWithin(
  client: ComfyClient,
  promptId: string,
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  let waitedMs = 0;
  for (let waitMs = firstLookMs; waitedMs < ms; waitMs *= 2) {
    if ((await attempt(() => hasEnded(client, promptId, signal))) === true) return true;
    const nextMs = Math.min(waitMs, ms - waitedMs);
    await pause(nextMs, signal);
    waitedMs += nextMs;
  }
  return false;
}

/** Whether the prompt runs no more and never will. */
async function hasEnded(
  client: ComfyClient,
  promptId: string,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await client.history(promptId, signal)) !== undefined) return true;
  return (await client.queuePlace(promptId, signal)).place === "absent";
}

async function attempt<T>(task: () => Promise<T>): Promise<T | undefined> {
  try {
    return await task();
  } catch (thrown) {
    if (thrown instanceof Unreachable) return undefined;
    throw thrown;
  }
}
