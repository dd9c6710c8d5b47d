import ts from "typescript";

import { placeOf, walk, type SourceFile } from "./project.ts";
import { roomOf } from "./rules.ts";
import { layers } from "./table.ts";

const effectful: ReadonlySet<string> = new Set([
  "process",
  "console",
  "performance",
  "crypto",
  "fetch",
  "globalThis",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
]);

/** Clocks, randomness, timers and I/O in rooms that only compute. */
export function purityViolations(files: readonly SourceFile[]): readonly string[] {
  const pure = files.filter(({ path, isTest }) => !isTest && layers[roomOf(path)]?.isPure === true);
  return nodesOf(pure, effectIn).map(([place, effect]) => `${place}: a pure room uses ${effect}`);
}

/** `any` and comments that silence the compiler. */
export function typeHoles(files: readonly SourceFile[]): readonly string[] {
  const anys = nodesOf(files, (node) =>
    node.kind === ts.SyntaxKind.AnyKeyword ? "any" : undefined,
  );
  const silenced = files.filter(({ text }) => /@ts-(?:ignore|expect-error|nocheck)/u.test(text));
  return [
    ...anys.map(([place]) => `${place}: uses any`),
    ...silenced.map(({ path }) => `${path}: silences the compiler`),
  ];
}

function nodesOf(
  files: readonly SourceFile[],
  find: (node: ts.Node) => string | undefined,
): readonly (readonly [place: string, found: string])[] {
  const all: [string, string][] = [];
  for (const file of files) {
    walk(file.tree, (node) => {
      const found = find(node);
      if (found !== undefined) all.push([placeOf(file, node), found]);
    });
  }
  return all;
}

function effectIn(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText();
    return text === "Date.now" || text === "Math.random" ? text : undefined;
  }
  if (ts.isNewExpression(node) && node.expression.getText() === "Date") {
    return (node.arguments?.length ?? 0) === 0 ? "new Date()" : undefined;
  }
  if (ts.isCallExpression(node) && node.expression.getText() === "Date") return "Date()";
  return ts.isIdentifier(node) && effectful.has(node.text) && !isMemberName(node)
    ? node.text
    : undefined;
}

/** The name of somebody's member, such as `job.process`, is not the global of that name. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  const isMember = ts.isTypeElement(parent) || ts.isClassElement(parent);
  return (isMember || ts.isPropertyAssignment(parent)) && parent.name === node;
}
