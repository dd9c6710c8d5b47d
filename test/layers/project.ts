import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";

import ts from "typescript";

export interface SourceFile {
  /** Below `src`, with forward slashes: "kernel/json.ts". */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  /** Tests and port suites, which ship with nothing and may import more. */
  readonly isTest: boolean;
}

/** The files of `folder`, parsed but not type-checked. */
export function readProject(folder: string): readonly SourceFile[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const paths = names.map((name) => name.split(sep).join("/")).filter((name) => isSource(name));
  return paths.sort().map((path) => parse(path, readFileSync(join(folder, path), "utf8")));
}

/** A project in memory, for examples: texts by path below `src`. */
export function projectOf(texts: Readonly<Record<string, string>>): readonly SourceFile[] {
  return Object.entries(texts).map(([path, text]) => parse(path, text));
}

/** Where a node stands, for messages: "kernel/json.ts:12". */
export function placeOf(file: SourceFile, node: ts.Node): string {
  const start = node.getStart(file.tree);
  return `${file.path}:${file.tree.getLineAndCharacterOfPosition(start).line + 1}`;
}

/** Calls `visit` for a node and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function isSource(name: string): boolean {
  return name.endsWith(".ts") && !name.endsWith(".d.ts");
}

function parse(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, text, tree, isTest: /\.(test|suite)\.ts$/u.test(path) };
}
