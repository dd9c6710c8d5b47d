import { basename } from "node:path";

import ts from "typescript";

import type { SourceFile } from "./project.ts";

const maxLines = 400;
const longLines = 250;
const maxLongShare = 0.1;
const maxMedianLines = 100;
/** Names that say nothing, and so gather everything. */
const buckets = /^(?:utils?|helpers?|common|lib|types|misc|index)$/u;

/** Files too long, or too many that nearly are. */
export function sizeViolations(files: readonly SourceFile[]): readonly string[] {
  const found = files
    .map((file) => ({ path: file.path, lines: linesOf(file) }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ path, lines }) => `${path}: has ${lines} lines of at most ${maxLines}`);
  const shipped = files.filter(({ isTest }) => !isTest).map(linesOf);
  const sorted = shipped.toSorted((left, right) => left - right);
  const long = sorted.filter((lines) => lines > longLines).length;
  if (long > sorted.length * maxLongShare) {
    found.push(`${long} of ${sorted.length} files have more than ${longLines} lines`);
  }
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  if (median > maxMedianLines) {
    found.push(`the median file has ${median} lines of at most ${maxMedianLines}`);
  }
  return found;
}

/** Files that only pass on what others export, and files whose name is a bucket. */
export function shapeViolations(files: readonly SourceFile[]): readonly string[] {
  const named = files.filter(({ path }) => buckets.test(basename(path).replace(/\..*$/u, "")));
  return [
    ...files.filter(isBarrel).map(({ path }) => `${path}: only re-exports`),
    ...named.map(({ path }) => `${path}: its name says nothing`),
  ];
}

function linesOf({ text }: SourceFile): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

function isBarrel({ tree }: SourceFile): boolean {
  const { statements } = tree;
  const onlyPasses = statements.every(
    (statement) => ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement),
  );
  return onlyPasses && statements.some((statement) => ts.isExportDeclaration(statement));
}
