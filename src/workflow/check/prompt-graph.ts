import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";
import { err, ok, type Result } from "../../kernel/result.ts";

export interface GraphNode {
  readonly id: string;
  /** Absent when the prompt does not say; validation reports it. */
  readonly className: string | undefined;
  readonly title: string | undefined;
  /** Literals and links by input name; absent when the prompt has no `inputs`. */
  readonly inputs: ReadonlyMap<string, JsonValue> | undefined;
}

/** A prompt's nodes by id, in the prompt's order. Ids are plain text, "__proto__" included. */
export type PromptGraph = ReadonlyMap<string, GraphNode>;

/** A link: an output of another node, by node id and slot. A negative slot counts from the end. */
export interface Link {
  readonly nodeId: string;
  readonly slot: number;
}

/** Reads a prompt in API form. The error says what is not as it should be. */
export function parseGraph(prompt: unknown): Result<PromptGraph, string> {
  if (!isJsonObject(prompt)) return err("prompt must be an object of nodes by id");
  const graph = new Map<string, GraphNode>();
  for (const [id, node] of Object.entries(prompt)) {
    if (!isJsonObject(node)) return err(`node '${id}' must be an object`);
    graph.set(id, parseNode(id, node));
  }
  return ok(graph);
}

function parseNode(id: string, node: JsonObject): GraphNode {
  const className = own(node, "class_type");
  const meta = own(node, "_meta");
  const title = isJsonObject(meta) ? own(meta, "title") : undefined;
  const inputs = own(node, "inputs");
  return {
    id,
    className: typeof className === "string" ? className : undefined,
    title: typeof title === "string" ? title : undefined,
    inputs: isJsonObject(inputs) ? new Map(Object.entries(inputs)) : undefined,
  };
}

function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The link that an input's value is, if it is one. */
export function asLink(value: JsonValue | undefined): Link | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [nodeId, slot]: readonly unknown[] = value;
  if (typeof nodeId !== "string" || typeof slot !== "number" || !Number.isInteger(slot)) {
    return undefined;
  }
  return { nodeId, slot };
}

/** The position that a slot means among `count` outputs, or `undefined` when there is none. */
export function resolveSlot(slot: number, count: number): number | undefined {
  const position = slot < 0 ? slot + count : slot;
  return position >= 0 && position < count ? position : undefined;
}
