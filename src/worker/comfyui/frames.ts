import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";

/** One node of a `progress_state` snapshot. */
export interface NodeState {
  readonly nodeId: string;
  /** The node of the submitted graph that this one was expanded from, or itself. */
  readonly displayNodeId: string;
  readonly state: "running" | "finished" | "error";
  readonly value: number;
  readonly max: number;
}

/** What a websocket frame of ComfyUI tells; `promptId` null where the frame does not say. */
export type ComfyEvent =
  | { readonly kind: "cached"; readonly promptId: string | null; readonly nodes: readonly string[] }
  | {
      readonly kind: "executing";
      readonly promptId: string | null;
      /** Null: the prompt has ended and its history is written. */
      readonly nodeId: string | null;
    }
  | {
      readonly kind: "step";
      readonly promptId: string | null;
      readonly nodeId: string;
      readonly value: number;
      readonly max: number;
    }
  | {
      readonly kind: "states";
      readonly promptId: string | null;
      readonly nodes: readonly NodeState[];
    }
  | { readonly kind: "executed"; readonly promptId: string | null; readonly nodeId: string }
  | { readonly kind: "started"; readonly promptId: string | null }
  | { readonly kind: "ended"; readonly promptId: string | null; readonly isSuccess: boolean }
  | {
      readonly kind: "preview";
      readonly promptId: string | null;
      readonly nodeId: string | null;
      readonly contentType: "image/jpeg" | "image/png";
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: "text";
      readonly promptId: null;
      readonly nodeId: string;
      readonly text: string;
    }
  | { readonly kind: "other"; readonly promptId: string | null };

type TextReader = (data: JsonObject, promptId: string | null) => ComfyEvent | undefined;

const textReaders: Readonly<Record<string, TextReader>> = {
  execution_start: (_data, promptId) => ({ kind: "started", promptId }),
  execution_cached: (data, promptId) => {
    const nodes = Array.isArray(data["nodes"]) ? (data["nodes"] as readonly JsonValue[]) : [];
    return { kind: "cached", promptId, nodes: nodes.filter((node) => typeof node === "string") };
  },
  executing: (data, promptId) => {
    const shown = text(data["display_node"]) ?? text(data["node"]);
    return { kind: "executing", promptId, nodeId: shown };
  },
  progress: (data, promptId) => {
    const nodeId = text(data["node"]);
    if (nodeId === null) return undefined;
    return { kind: "step", promptId, nodeId, value: count(data["value"]), max: count(data["max"]) };
  },
  progress_state: (data, promptId) => {
    const nodes = isJsonObject(data["nodes"]) ? Object.entries(data["nodes"]) : [];
    const states = nodes
      .map(([id, node]) => nodeState(id, node))
      .filter((one) => one !== undefined);
    return { kind: "states", promptId, nodes: states };
  },
  executed: (data, promptId) => {
    const nodeId = text(data["display_node"]) ?? text(data["node"]);
    return nodeId === null ? undefined : { kind: "executed", promptId, nodeId };
  },
  execution_success: (_data, promptId) => ({ kind: "ended", promptId, isSuccess: true }),
  execution_interrupted: (_data, promptId) => ({ kind: "ended", promptId, isSuccess: false }),
  // A blocked output is reported like an error, but the run goes on.
  execution_error: (data, promptId) =>
    data["exception_type"] === "ExecutionBlocked"
      ? { kind: "other", promptId }
      : { kind: "ended", promptId, isSuccess: false },
};

/** Reads a text frame; undefined for one that is not ComfyUI's. */
export function parseTextFrame(frame: string): ComfyEvent | undefined {
  let message: unknown;
  try {
    message = JSON.parse(frame);
  } catch {
    return undefined;
  }
  if (!isJsonObject(message) || typeof message["type"] !== "string") return undefined;
  const data = isJsonObject(message["data"]) ? message["data"] : {};
  const promptId = text(data["prompt_id"]);
  const read = Object.hasOwn(textReaders, message["type"])
    ? textReaders[message["type"]]
    : undefined;
  return read === undefined ? { kind: "other", promptId } : read(data, promptId);
}

/** Reads a binary frame: previews (types 1 and 4) and progress text (3); undefined for the rest. */
export function parseBinaryFrame(frame: Uint8Array): ComfyEvent | undefined {
  if (frame.length < 8) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const type = view.getUint32(0);
  const second = view.getUint32(4);
  if (type === 1) {
    const contentType = second === 2 ? "image/png" : "image/jpeg";
    return { kind: "preview", promptId: null, nodeId: null, contentType, bytes: frame.subarray(8) };
  }
  if (second > frame.length - 8) return undefined;
  const head = new TextDecoder().decode(frame.subarray(8, 8 + second));
  const rest = frame.subarray(8 + second);
  if (type === 3) {
    return { kind: "text", promptId: null, nodeId: head, text: new TextDecoder().decode(rest) };
  }
  return type === 4 ? previewOf(head, rest) : undefined;
}

function previewOf(head: string, bytes: Uint8Array): ComfyEvent | undefined {
  let metadata: unknown;
  try {
    metadata = JSON.parse(head);
  } catch {
    return undefined;
  }
  if (!isJsonObject(metadata)) return undefined;
  const contentType = metadata["image_type"] === "image/png" ? "image/png" : "image/jpeg";
  const nodeId = text(metadata["display_node_id"]) ?? text(metadata["node_id"]);
  return { kind: "preview", promptId: text(metadata["prompt_id"]), nodeId, contentType, bytes };
}

function nodeState(id: string, node: JsonValue): NodeState | undefined {
  if (!isJsonObject(node)) return undefined;
  const { state } = node;
  if (state !== "running" && state !== "finished" && state !== "error") return undefined;
  const displayNodeId = text(node["display_node_id"]) ?? id;
  return { nodeId: id, displayNodeId, state, value: count(node["value"]), max: count(node["max"]) };
}

function text(value: JsonValue | undefined): string | null {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value : null;
}

function count(value: JsonValue | undefined): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
