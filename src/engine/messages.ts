import type { JsonObject, JsonValue } from "../kernel/json.ts";

/** A text message of the websocket. */
export interface Message {
  readonly type: string;
  readonly data: JsonObject;
}

export function statusMessage(queueRemaining: number, sid?: string): Message {
  const status = { exec_info: { queue_remaining: queueRemaining } };
  return { type: "status", data: sid === undefined ? { status } : { status, sid } };
}

/** What the engine offers, in `/features` and on the websocket alike. */
export const serverFeatures = {
  supports_preview_metadata: true,
  supports_model_type_tags: false,
  max_upload_size: 100 * 1024 * 1024,
  node_replacements: false,
  assets: false,
} as const;

export function executing(promptId: string, nodeId: string): Message {
  return {
    type: "executing",
    data: { node: nodeId, display_node: nodeId, prompt_id: promptId },
  };
}

/** Says that a prompt is over and its history written. */
export function finished(promptId: string): Message {
  return { type: "executing", data: { node: null, prompt_id: promptId } };
}

export function executed(promptId: string, nodeId: string, output: JsonValue): Message {
  return {
    type: "executed",
    data: { node: nodeId, display_node: nodeId, output, prompt_id: promptId },
  };
}

export function progress(promptId: string, nodeId: string, value: number, max: number): Message {
  return { type: "progress", data: { value, max, prompt_id: promptId, node: nodeId } };
}

export interface NodeProgress {
  readonly value: number;
  readonly max: number;
  readonly state: "running" | "finished" | "error";
}

/** A snapshot of the nodes that have begun. */
export function progressState(promptId: string, nodes: ReadonlyMap<string, NodeProgress>): Message {
  const entries = [...nodes].map(([id, { value, max, state }]): [string, JsonObject] => [
    id,
    {
      value,
      max,
      state,
      node_id: id,
      prompt_id: promptId,
      display_node_id: id,
      parent_node_id: null,
      real_node_id: id,
    },
  ]);
  const data = { prompt_id: promptId, nodes: Object.fromEntries(entries) };
  return { type: "progress_state", data };
}

/** A binary preview that names nothing: type 1, format 1 is JPEG. */
export function plainPreview(jpeg: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(1, 0);
  head.writeUInt32BE(1, 4);
  return Buffer.concat([head, jpeg]);
}

/** A binary preview that names its prompt and node: type 4, for clients that asked for it. */
export function describedPreview(promptId: string, nodeId: string, jpeg: Uint8Array): Buffer {
  const metadata = Buffer.from(
    JSON.stringify({
      node_id: nodeId,
      prompt_id: promptId,
      display_node_id: nodeId,
      parent_node_id: null,
      real_node_id: nodeId,
      image_type: "image/jpeg",
    }),
  );
  const head = Buffer.alloc(8);
  head.writeUInt32BE(4, 0);
  head.writeUInt32BE(metadata.length, 4);
  return Buffer.concat([head, metadata, jpeg]);
}
