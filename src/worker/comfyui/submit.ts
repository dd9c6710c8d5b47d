import { isJsonObject } from "../../kernel/json.ts";
import { classifyRejection, failure, type Failure } from "../classify.ts";
import { Unreachable } from "../http.ts";
import { pause } from "../retry.ts";
import { cancelPrompt, type CancelTimings } from "./cancel.ts";
import type { ComfySession } from "./session.ts";

export interface PromptRequest {
  readonly promptId: string;
  readonly workflow: Readonly<Record<string, unknown>>;
  readonly extraData: Readonly<Record<string, string>>;
}

export type Submission =
  | { readonly kind: "accepted" }
  | { readonly kind: "rejected"; readonly failure: Failure }
  | { readonly kind: "unreachable"; readonly reason: string };

const maxTries = 3;
const retryMs = 250;

/**
 * Queues a prompt exactly once: ComfyUI takes the same id twice, so before another try queue and
 * history are asked whether the first one arrived.
 */
export async function submitPrompt(
  session: ComfySession,
  request: PromptRequest,
  timings: CancelTimings,
  signal: AbortSignal,
): Promise<Submission> {
  const { client, socket } = session;
  const { promptId, workflow, extraData } = request;
  const body = {
    prompt: workflow,
    prompt_id: promptId,
    client_id: socket.clientId,
    extra_data: { preview_method: "auto", ...extraData },
  };
  for (let tries = 1; ; tries++) {
    try {
      const reply = await client.submit(body, signal);
      if (reply.status === 200) return await accepted(session, promptId, reply.body, timings);
      if (reply.status < 500) {
        return { kind: "rejected", failure: classifyRejection(reply.status, reply.body) };
      }
      // Not taken: a pack whose hook threw, perhaps. Another try, or worker, may fare better.
      if (tries >= maxTries) return { kind: "rejected", failure: brokenReply(reply.status) };
    } catch (thrown) {
      if (!(thrown instanceof Unreachable)) throw thrown;
      if (!thrown.isRefused && (await hasArrived(session, promptId, signal))) {
        return { kind: "accepted" };
      }
      if (tries >= maxTries) return { kind: "unreachable", reason: thrown.message };
    }
    await pause(retryMs, AbortSignal.any([signal, session.gone]));
  }
}

/** ComfyUI drops outputs that do not validate and runs the rest; half a result is none. */
async function accepted(
  session: ComfySession,
  promptId: string,
  reply: unknown,
  timings: CancelTimings,
): Promise<Submission> {
  const errors = isJsonObject(reply) ? reply["node_errors"] : undefined;
  if (!isJsonObject(errors) || Object.keys(errors).length === 0) return { kind: "accepted" };
  await cancelPrompt(session, promptId, timings);
  return { kind: "rejected", failure: classifyRejection(200, reply) };
}

async function hasArrived(
  session: ComfySession,
  promptId: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { place } = await session.client.queuePlace(promptId, signal);
    if (place !== "absent") return true;
    return (await session.client.history(promptId, signal)) !== undefined;
  } catch (thrown) {
    if (!(thrown instanceof Unreachable)) throw thrown;
    return false;
  }
}

function brokenReply(status: number): Failure {
  const message = `ComfyUI answered HTTP ${status} to the workflow.`;
  return failure("transient", "prompt_rejected", message);
}
