import { blake3Hex } from "../kernel/blake3.ts";
import type { JsonValue } from "../kernel/json.ts";
import { canonicalText } from "./canonical.ts";
import { inputKind, type InputKind } from "./input-kind.ts";
import { asLink, linksOf } from "./links.ts";
import type { NodeCatalogue } from "./node-class.ts";
import { runOrder } from "./order.ts";
import type { Workflow, WorkflowNode } from "./parse.ts";

/**
 * How much of a workflow counts: all of it; all but seeds; or only what decides its cost, which
 * leaves out seeds, texts, the caller's files and picture sizes (those are the size class).
 */
export type FingerprintDetail = "exact" | "seedless" | "cost";

const ignored: Readonly<Record<FingerprintDetail, ReadonlySet<InputKind>>> = {
  exact: new Set(),
  seedless: new Set<InputKind>(["seed"]),
  cost: new Set<InputKind>(["seed", "text", "file", "size"]),
};

/** Enough to tell any number of workflows apart that anybody will ever store. */
const hexDigits = 32;

/**
 * The same text for workflows that do the same, whatever their node ids, titles and the order of
 * keys. A node is named by its class, its values and all that leads to it; where two nodes are
 * equal so far, also by what they feed, so that one node feeding two inputs differs from two nodes
 * feeding one each. Only a workflow with a cycle, which nobody accepts, may get another one in
 * another order.
 */
export function fingerprintOf(
  workflow: Workflow,
  detail: FingerprintDetail,
  catalogue: NodeCatalogue | null = null,
): string {
  const order = runOrder(workflow);
  const own = new Map<string, string>();
  for (const [id, node] of workflow) own.set(id, ownText(node, ignored[detail], catalogue));
  const up = nameBySources(workflow, order, own);
  // Where no two nodes are equal, what leads to each says all.
  const hasTwins = new Set(up.values()).size < up.size;
  const names = hasTwins
    ? nameBySources(workflow, order, nameByConsumers(workflow, order, up))
    : up;
  return blake3Hex(JSON.stringify([...names.values()].sort())).slice(0, hexDigits);
}

/** A node without its place in the graph; links are named by input and slot only. */
function ownText(
  node: WorkflowNode,
  without: ReadonlySet<InputKind>,
  catalogue: NodeCatalogue | null,
): string {
  const definition = catalogue?.get(node.classType);
  const values: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(node.inputs)) {
    const link = asLink(value);
    if (link !== undefined) values[name] = { link: link[1] };
    else {
      const kind = inputKind(node.classType, name, value, definition);
      values[name] = without.has(kind) ? kind : [value];
    }
  }
  return canonicalText([node.classType, values]);
}

/** Names each node by its text and the names of its sources. */
function nameBySources(
  workflow: Workflow,
  order: readonly string[],
  texts: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const id of order) {
    const node = workflow.get(id);
    if (node === undefined) continue;
    // A source without a name is missing, or closes a cycle.
    const sources = linksOf(node).map(
      ({ input, source }) => `${JSON.stringify(input)}${names.get(source) ?? "?"}`,
    );
    names.set(id, blake3Hex([texts.get(id), ...sources.sort()].join("\n")));
  }
  return names;
}

/** Names each node by its text and by what it feeds, where and with which of its outputs. */
function nameByConsumers(
  workflow: Workflow,
  order: readonly string[],
  texts: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const uses = new Map<string, string[]>();
  const names = new Map<string, string>();
  for (const id of order.toReversed()) {
    const node = workflow.get(id);
    if (node === undefined) continue;
    const name = blake3Hex([texts.get(id), ...(uses.get(id) ?? []).sort()].join("\n"));
    names.set(id, name);
    for (const { input, source, slot } of linksOf(node)) {
      const use = `${JSON.stringify(input)}${slot} ${name}`;
      const known = uses.get(source);
      if (known === undefined) uses.set(source, [use]);
      else known.push(use);
    }
  }
  return names;
}
