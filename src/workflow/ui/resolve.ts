import type { JsonValue } from "../../kernel/json.ts";
import { subgraphInputs, type UiLink, type UiNode, type UiSlot } from "./document.ts";
import type { Scope } from "./scopes.ts";

/** Where a link really comes from. */
export type Source =
  | { readonly kind: "node"; readonly scope: Scope; readonly node: UiNode; readonly slot: number }
  /** A node that only holds a value. */
  | { readonly kind: "value"; readonly value: JsonValue }
  /** The input of an instance that is not linked: its widget says the value. */
  | { readonly kind: "host"; readonly scope: Scope; readonly input: UiSlot; readonly slot: number }
  /** A muted node, or nothing. */
  | { readonly kind: "nothing" };

const nothing: Source = { kind: "nothing" };
const maxHops = 1000;

/** Follows a link through subgraphs, reroutes and bypassed nodes to the output that feeds it. */
export function resolveLink(startScope: Scope, startLink: string | null): Source {
  let scope = startScope;
  let link = startLink === null ? undefined : scope.graph.links.get(startLink);
  for (let hop = 0; hop < maxHops && link !== undefined; hop++) {
    if (link.origin === subgraphInputs && scope.parent !== null) {
      const { parent } = scope;
      const slot = link.originSlot;
      const outer = hostInput(parent.instance, parent.subgraph.inputs[slot], slot);
      const outerLink = parent.scope.graph.links.get(outer?.link ?? "");
      if (outerLink === undefined) {
        const input = parent.subgraph.inputs[slot];
        return input === undefined ? nothing : { kind: "host", scope, input, slot };
      }
      [scope, link] = [parent.scope, outerLink];
      continue;
    }
    const node = scope.graph.nodes.get(link.origin);
    if (node === undefined || node.mode === "muted") return nothing;
    const next = throughNode(scope, node, link.originSlot);
    if ("kind" in next) return next;
    ({ scope, link } = next);
  }
  return nothing;
}

type Hop = { readonly scope: Scope; readonly link: UiLink | undefined };

/** What stands behind an output: the node itself, or where to look on. */
function throughNode(scope: Scope, node: UiNode, slot: number): Source | Hop {
  if (node.mode === "bypassed") return behind(scope, bypassInput(node, slot));
  if (node.type === "Reroute") return behind(scope, node.inputs[0]);
  const child = scope.children.get(node.id);
  if (child !== undefined) {
    const inner = child.parent?.subgraph.outputLinks.get(slot);
    return inner === undefined ? nothing : { scope: child, link: inner };
  }
  if (node.type === "PrimitiveNode") {
    const [value] = Array.isArray(node.widgetValues)
      ? (node.widgetValues as readonly JsonValue[])
      : [];
    return value === undefined ? nothing : { kind: "value", value };
  }
  return { kind: "node", scope, node, slot };
}

function behind(scope: Scope, input: UiSlot | undefined): Hop {
  return { scope, link: scope.graph.links.get(input?.link ?? "") };
}

/** A bypassed node's output takes the input beside it, else the first of the same type. */
function bypassInput(node: UiNode, slot: number): UiSlot | undefined {
  const type = node.outputs[slot]?.type;
  if (type === undefined) return undefined;
  const beside = node.inputs[slot];
  if (beside !== undefined && fits(beside.type, type)) return beside;
  return (
    node.inputs.find((input) => input.type === type && input.link !== null) ??
    node.inputs.find((input) => fits(input.type, type))
  );
}

function fits(input: string, output: string): boolean {
  return input === output || input === "*" || output === "*";
}

/** The instance's input for a subgraph's input; older files list only some, so the name decides. */
function hostInput(instance: UiNode, input: UiSlot | undefined, slot: number): UiSlot | undefined {
  const beside = instance.inputs[slot];
  if (input === undefined || beside?.name === input.name) return beside;
  return instance.inputs.find(({ name }) => name === input.name);
}
