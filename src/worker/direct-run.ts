import { randomUUID } from "node:crypto";

import { HearthError } from "../kernel/errors.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { OutputType } from "../protocol/worker-link.ts";
import type { AgentTimings } from "./agent-options.ts";
import { AttemptControl } from "./attempt-control.ts";
import type { ComfySession } from "./comfyui/session.ts";
import { discard, fetchOutput, type FetchedOutput } from "./fetch-output.ts";
import { mediaTypeOf, plainText } from "./media-types.ts";
import { planOutputs } from "./outputs.ts";
import { runPrompt } from "./prompt-run.ts";

/** One file that a workflow made, with its bytes. */
export interface DirectOutput {
  readonly node_id: string;
  readonly name: string;
  readonly type: OutputType;
  readonly content_type: string;
  readonly data_base64: string;
}

export interface DirectRunOptions {
  readonly session: ComfySession;
  readonly timings: AgentTimings;
  /** Scratch for files too big to hold. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Of all files together; what carries the reply takes no more. */
  readonly maxBytes: number;
}

/** Nobody is told how a direct run goes. */
const deaf = { hear: () => undefined, currentClass: null } as const;

/**
 * Runs a workflow on this ComfyUI without a gateway and returns its files. Throws `AttemptFailed`
 * with ComfyUI's own words, `body_too_large`, or the signal's reason.
 */
export async function runDirectly(
  workflow: JsonObject,
  options: DirectRunOptions,
): Promise<readonly DirectOutput[]> {
  const { session, timings, folder, signal, maxBytes } = options;
  const control = new AttemptControl({ jobId: randomUUID(), epoch: 1 });
  const cancel = (): void => control.interrupt("cancel");
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    const request = { promptId: randomUUID(), workflow, extraData: {} };
    const entry = await runPrompt({ session, timings, life: signal }, control, deaf, request);
    const outputs: DirectOutput[] = [];
    let leftBytes = maxBytes;
    for (const planned of planOutputs(entry.outputs)) {
      const fetched = await fetchOutput({ session, folder, signal }, planned);
      leftBytes -= fetched.sizeBytes;
      try {
        if (leftBytes < 0) throw tooLarge(maxBytes);
        outputs.push(outputOf(fetched));
      } finally {
        await discard(fetched);
      }
    }
    return outputs;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function outputOf({ planned, body, firstBytes }: FetchedOutput): DirectOutput {
  // Only files beyond what is held in memory are on disk, and those are beyond any reply.
  if (body.kind !== "memory") throw tooLarge(0);
  const isText = planned.source.kind === "text";
  const { type, contentType } = isText ? plainText : mediaTypeOf(planned.name, firstBytes);
  return {
    node_id: planned.nodeId,
    name: planned.name,
    type,
    content_type: contentType,
    data_base64: body.bytes.toString("base64"),
  };
}

function tooLarge(limitBytes: number): HearthError {
  const message = `The files that the workflow made do not fit into a reply; run it through a Hearth gateway.`;
  return new HearthError("body_too_large", { message, details: { limitBytes } });
}
