import type { JsonValue } from "../kernel/json.ts";
import type { Workflow, WorkflowNode } from "./parse.ts";

/** An input that takes output `slot` of node `source`. */
export interface Link {
  readonly input: string;
  readonly source: string;
  readonly slot: number;
}

/** Whether a value is a link as ComfyUI reads it: a bare list of a node id and a slot. */
export function asLink(value: JsonValue): readonly [source: string, slot: number] | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [source, slot] = value as readonly JsonValue[];
  return typeof source === "string" && typeof slot === "number" ? [source, slot] : undefined;
}

export function linksOf(node: WorkflowNode): readonly Link[] {
  const links: Link[] = [];
  for (const [input, value] of Object.entries(node.inputs)) {
    const link = asLink(value);
    if (link !== undefined) links.push({ input, source: link[0], slot: link[1] });
  }
  return links;
}

/** The nodes of some cycle in order, or undefined. Iterative: chains may be as long as they like. */
export function findCycle(workflow: Workflow): readonly string[] | undefined {
  const done = new Set<string>();
  const onPath = new Set<string>();
  for (const start of workflow.keys()) {
    const path: { readonly id: string; readonly sources: Iterator<Link> }[] = [];
    const enter = (id: string): void => {
      const node = workflow.get(id);
      onPath.add(id);
      path.push({ id, sources: (node === undefined ? [] : linksOf(node))[Symbol.iterator]() });
    };
    if (!done.has(start)) enter(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.sources.next();
      if (next.done === true) {
        onPath.delete(top.id);
        done.add(top.id);
        path.pop();
      } else if (onPath.has(next.value.source)) {
        const ids = path.map((step) => step.id);
        return ids.slice(ids.indexOf(next.value.source));
      } else if (!done.has(next.value.source) && workflow.has(next.value.source)) {
        enter(next.value.source);
      }
    }
  }
  return undefined;
}
