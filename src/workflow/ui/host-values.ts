import { isJsonObject, type JsonValue } from "../../kernel/json.ts";
import type { NodeCatalogue } from "../node-class.ts";
import type { UiNode, UiSubgraph } from "./document.ts";
import type { Scope } from "./scopes.ts";
import { widgetValues } from "./widgets.ts";

/**
 * The value of a subgraph's input that nothing is linked to: what the instance says, else what the
 * first widget inside says that hangs on it. Undefined: the input has no widget.
 */
export function hostValue(
  start: Scope,
  startSlot: number,
  catalogue: NodeCatalogue,
): JsonValue | undefined {
  let scope: Scope | undefined = start;
  let slot = startSlot;
  // Each round goes one subgraph deeper.
  while (scope?.parent !== null && scope !== undefined) {
    const { instance, subgraph } = scope.parent;
    const said = saidByInstance(instance, subgraph, slot);
    if (said !== undefined) return said;
    const target = subgraph.innerWidgets.get(slot);
    if (target === undefined) return undefined;
    const child: Scope | undefined = scope.children.get(target.node.id);
    if (child?.parent == null) {
      return widgetValues(target.node, catalogue.get(target.node.type))[target.name];
    }
    slot = child.parent.subgraph.inputs.findIndex(({ name }) => name === target.name);
    scope = child;
  }
  return undefined;
}

function saidByInstance(
  instance: UiNode,
  subgraph: UiSubgraph,
  slot: number,
): JsonValue | undefined {
  const name = subgraph.inputs[slot]?.name;
  const values = instance.widgetValues;
  if (name === undefined) return undefined;
  if (isJsonObject(values)) return Object.hasOwn(values, name) ? values[name] : undefined;
  // Values are saved for the inputs that have a widget, and only by newer editors.
  if (!subgraph.innerWidgets.has(slot)) return undefined;
  let at = 0;
  for (let before = 0; before < slot; before++) if (subgraph.innerWidgets.has(before)) at++;
  return values[at];
}
