import type { UiDocument, UiGraph, UiNode, UiSubgraph } from "./document.ts";

/** One graph at work: the root, or a subgraph inside one of its instances. */
export interface Scope {
  /** What node ids begin with here: "" at the root, `12:` inside of node 12. */
  readonly prefix: string;
  readonly graph: UiGraph;
  /** Null at the root. */
  readonly parent: {
    readonly scope: Scope;
    readonly instance: UiNode;
    readonly subgraph: UiSubgraph;
  } | null;
  /** By the instance's id. */
  readonly children: Map<string, Scope>;
}

export interface ScopeLimits {
  readonly maxNodes: number;
}

const maxDepth = 64;

/**
 * All graphs of a document, each subgraph once for each of its instances. Undefined where they
 * hold more than `maxNodes` nodes together, as when a subgraph contains itself.
 */
export function openScopes(
  document: UiDocument,
  limits: ScopeLimits,
): readonly Scope[] | undefined {
  const root: Scope = { prefix: "", graph: document.root, parent: null, children: new Map() };
  const scopes: { readonly scope: Scope; readonly depth: number }[] = [{ scope: root, depth: 0 }];
  let nodeCount = 0;
  // The list grows while it is walked.
  for (const { scope, depth } of scopes) {
    nodeCount += scope.graph.nodes.size;
    if (nodeCount > limits.maxNodes || depth > maxDepth) return undefined;
    for (const instance of scope.graph.nodes.values()) {
      const subgraph = document.subgraphs.get(instance.type);
      if (subgraph === undefined || instance.mode === "muted") continue;
      const child: Scope = {
        prefix: `${scope.prefix}${instance.id}:`,
        graph: subgraph,
        parent: { scope, instance, subgraph },
        children: new Map(),
      };
      scope.children.set(instance.id, child);
      scopes.push({ scope: child, depth: depth + 1 });
    }
  }
  return scopes.map(({ scope }) => scope);
}
