import { importsOf } from "./imports.ts";
import type { SourceFile } from "./project.ts";

/** Sets of files that load each other, directly or around corners; types do not count. */
export function valueCycles(files: readonly SourceFile[]): readonly string[] {
  const edges = new Map<string, readonly string[]>();
  for (const file of files) edges.set(file.path, valueTargets(file));
  const cyclic = stronglyConnected(edges).filter(
    (set) => set.length > 1 || edges.get(set[0]!)?.includes(set[0]!) === true,
  );
  return cyclic.map((set) => `these import each other: ${set.toSorted().join(", ")}`);
}

function valueTargets(file: SourceFile): readonly string[] {
  return importsOf(file)
    .filter(({ isTypeOnly, isProgram }) => !isTypeOnly && !isProgram)
    .flatMap(({ target }) => target ?? []);
}

/** Tarjan's algorithm. */
function stronglyConnected(edges: ReadonlyMap<string, readonly string[]>): readonly string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const sets: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    lowest.set(node, order.get(node)!);
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!edges.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(node, Math.min(lowest.get(node)!, lowest.get(next)!));
    }
    if (lowest.get(node) === order.get(node)) sets.push(stack.splice(stack.indexOf(node)));
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return sets;
}
