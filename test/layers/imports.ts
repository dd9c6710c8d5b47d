import { posix } from "node:path";

import ts from "typescript";

import { placeOf, walk, type SourceFile } from "./project.ts";

export interface Import {
  readonly from: SourceFile;
  readonly place: string;
  /** As written; null where it is computed and cannot be read here. */
  readonly specifier: string | null;
  /** Below `src` with forward slashes; null for packages and computed specifiers. */
  readonly target: string | null;
  /** Nothing of a type import is left when the program runs. */
  readonly isTypeOnly: boolean;
  /** Started as a program of its own: `new URL("./leash.ts", import.meta.url)`. */
  readonly isProgram: boolean;
}

type Found = Pick<Import, "specifier" | "isTypeOnly" | "isProgram">;

/** Static, dynamic and type imports of a file, re-exports, and files that it names to start. */
export function importsOf(file: SourceFile): readonly Import[] {
  const imports: Import[] = [];
  walk(file.tree, (node) => {
    const found = importIn(node);
    if (found === undefined) return;
    const target = targetOf(file.path, found.specifier);
    imports.push({ ...found, from: file, place: placeOf(file, node), target });
  });
  return imports;
}

function importIn(node: ts.Node): Found | undefined {
  if (ts.isImportDeclaration(node)) {
    // `import { type A }` still loads the module: only the braces' content is stripped.
    const isTypeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return { specifier: literal(node.moduleSpecifier), isTypeOnly, isProgram: false };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    const { moduleSpecifier, isTypeOnly } = node;
    return { specifier: literal(moduleSpecifier), isTypeOnly, isProgram: false };
  }
  if (ts.isImportTypeNode(node)) {
    const argument = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
    return { specifier: literal(argument), isTypeOnly: true, isProgram: false };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: literal(node.arguments[0]), isTypeOnly: false, isProgram: false };
  }
  const program = programIn(node);
  if (program === undefined) return undefined;
  return { specifier: program, isTypeOnly: false, isProgram: true };
}

function programIn(node: ts.Node): string | undefined {
  if (!ts.isNewExpression(node) || node.expression.getText() !== "URL") return undefined;
  const [path, base] = node.arguments ?? [];
  if (base?.getText() !== "import.meta.url") return undefined;
  const specifier = literal(path);
  return specifier?.endsWith(".ts") === true ? specifier : undefined;
}

function literal(node: ts.Node | undefined): string | null {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : null;
}

function targetOf(path: string, specifier: string | null): string | null {
  if (specifier === null || !/^\.\.?\//u.test(specifier)) return null;
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}
