import type { JsonValue } from "../kernel/json.ts";
import { asLink } from "../workflow/check/prompt-graph.ts";

/** The checked inputs of each node that may run. */
export type CheckedInputs = ReadonlyMap<string, ReadonlyMap<string, JsonValue>>;

/** The distinct nodes that a node's inputs link to. */
function linkedNodes(inputs: ReadonlyMap<string, JsonValue> | undefined): string[] {
  const ids = new Set<string>();
  for (const value of inputs?.values() ?? []) {
    const link = asLink(value);
    if (link !== undefined) ids.add(link.nodeId);
  }
  return [...ids];
}

/**
 * The nodes that `targets` need, each after all that it depends on; a valid prompt has no cycles.
 * A node of which `isDone` holds is listed only if it is a target, and not looked behind: its
 * result is already there.
 */
export function planOrder(
  inputs: CheckedInputs,
  targets: readonly string[],
  isDone: (id: string) => boolean = () => false,
): string[] {
  const order: string[] = [];
  const listed = new Set<string>();
  const entered = new Set<string>();
  for (const target of targets) {
    const stack = [target];
    for (let id = stack.at(-1); id !== undefined; id = stack.at(-1)) {
      if (listed.has(id)) {
        stack.pop();
      } else if (entered.has(id) || isDone(id)) {
        listed.add(id);
        stack.pop();
        if (!isDone(id) || id === target) order.push(id);
      } else {
        entered.add(id);
        // Reversed, because the last one on the stack comes first.
        for (const needed of linkedNodes(inputs.get(id)).toReversed()) {
          if (!listed.has(needed)) stack.push(needed);
        }
      }
    }
  }
  return order;
}
