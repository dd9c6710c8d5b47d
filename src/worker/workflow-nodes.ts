import { isJsonObject, type JsonValue } from "../kernel/json.ts";

/** The nodes of an API-format workflow that a run can touch, by id, with their classes. */
export type NodeClasses = ReadonlyMap<string, string>;

/**
 * The nodes that some output node depends on, itself included; ComfyUI runs no others. With no
 * known output node all nodes are returned.
 */
export function neededNodes(
  workflow: Readonly<Record<string, unknown>>,
  isOutput: (className: string) => boolean,
): NodeClasses {
  const all = new Map<string, string>();
  for (const [id, node] of Object.entries(workflow)) all.set(id, classOf(node));
  const open = [...all].filter(([, name]) => isOutput(name)).map(([id]) => id);
  if (open.length === 0) return all;
  const needed = new Map<string, string>();
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const name = all.get(id);
    if (name === undefined || needed.has(id)) continue;
    needed.set(id, name);
    open.push(...sourcesOf(workflow[id]));
  }
  return needed;
}

function classOf(node: unknown): string {
  const name = isJsonObject(node) ? node["class_type"] : undefined;
  return typeof name === "string" ? name : "";
}

function sourcesOf(node: unknown): readonly string[] {
  const inputs = isJsonObject(node) ? node["inputs"] : undefined;
  if (!isJsonObject(inputs)) return [];
  return Object.values(inputs)
    .filter(isLink)
    .map(([id]) => id);
}

function isLink(value: JsonValue): value is readonly [string, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  return typeof value[0] === "string" && typeof value[1] === "number";
}
