import { linksOf } from "./links.ts";
import type { Workflow } from "./parse.ts";

/**
 * Node ids in the order in which a run can reach them: sources before what they feed, and what
 * the first output needs before what the next one needs. Members of a cycle come in some order.
 * Iterative, and linear in nodes and links.
 */
export function runOrder(workflow: Workflow): readonly string[] {
  const consumed = new Set<string>();
  const links = new Map<string, readonly string[]>();
  for (const [id, node] of workflow) {
    const sources = linksOf(node).map(({ source }) => source);
    links.set(id, sources);
    for (const source of sources) consumed.add(source);
  }
  const ends = [...workflow.keys()].filter((id) => !consumed.has(id));
  const order: string[] = [];
  const entered = new Set<string>();
  // The second pass is for cycles, which no end leads into.
  for (const root of [...ends, ...workflow.keys()]) {
    const path: { readonly id: string; readonly sources: Iterator<string> }[] = [];
    const enter = (id: string): void => {
      if (entered.has(id) || !workflow.has(id)) return;
      entered.add(id);
      path.push({ id, sources: (links.get(id) ?? [])[Symbol.iterator]() });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.sources.next();
      if (next.done !== true) enter(next.value);
      else order.push(path.pop()?.id ?? top.id);
    }
  }
  return order;
}
