import { HearthError } from "../../kernel/errors.ts";
import type { JsonObject, JsonValue } from "../../kernel/json.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { NodeCatalogue } from "../node-class.ts";
import type { UiDocument, UiNode } from "./document.ts";
import { hostValue } from "./host-values.ts";
import { resolveLink, type Source } from "./resolve.ts";
import { openScopes, type Scope } from "./scopes.ts";
import { widgetValues } from "./widgets.ts";

/** A node in API format. */
export type ApiNode = {
  readonly class_type: string;
  readonly inputs: JsonObject;
  readonly _meta: { readonly title: string };
};

export interface Conversion {
  /** In API format, by node id; inside subgraphs `12:34`. */
  readonly workflow: Readonly<Record<string, ApiNode>>;
  /** Classes that the catalogue does not have; their widgets went by the file's own names. */
  readonly unknownClasses: readonly string[];
}

/** Nodes of the editor that never run. */
const editorOnly: ReadonlySet<string> = new Set([
  "Note",
  "MarkdownNote",
  "Reroute",
  "PrimitiveNode",
]);

/**
 * Turns a workflow of the editor into API format, as the editor does on export. Errors:
 * `invalid_workflow` for more nodes than the limit once all subgraphs are opened.
 */
export function convertToApi(
  document: UiDocument,
  catalogue: NodeCatalogue,
  limits: { readonly maxNodes: number },
): Result<Conversion, HearthError> {
  const scopes = openScopes(document, limits);
  if (scopes === undefined) {
    const reason = `has more than ${limits.maxNodes} nodes with its subgraphs, or contains itself`;
    return err(new HearthError("invalid_workflow", { message: `The workflow ${reason}.` }));
  }
  const workflow: Record<string, ApiNode> = {};
  const unknown = new Set<string>();
  for (const scope of scopes) {
    if (isOff(scope)) continue;
    for (const node of scope.graph.nodes.values()) {
      if (node.mode !== "active" || editorOnly.has(node.type)) continue;
      if (scope.children.has(node.id)) continue;
      const definition = catalogue.get(node.type);
      if (definition === undefined) unknown.add(node.type);
      const inputs = inputsOf(scope, node, catalogue);
      const title = node.title ?? definition?.displayName ?? node.type;
      workflow[scope.prefix + node.id] = { class_type: node.type, inputs, _meta: { title } };
    }
  }
  return ok({ workflow, unknownClasses: [...unknown] });
}

/** Whether an instance that leads here does not run. */
function isOff(start: Scope): boolean {
  for (let scope = start; scope.parent !== null; scope = scope.parent.scope) {
    if (scope.parent.instance.mode !== "active") return true;
  }
  return false;
}

function inputsOf(scope: Scope, node: UiNode, catalogue: NodeCatalogue): JsonObject {
  const inputs: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(widgetValues(node, catalogue.get(node.type)))) {
    inputs[name] = asLiteral(value);
  }
  for (const slot of node.inputs) {
    if (slot.link === null) continue;
    const source = resolveLink(scope, slot.link);
    const value = valueOf(source, catalogue);
    if (value !== undefined) inputs[slot.name] = value;
  }
  return inputs;
}

function valueOf(source: Source, catalogue: NodeCatalogue): JsonValue | undefined {
  switch (source.kind) {
    case "node":
      return [source.scope.prefix + source.node.id, source.slot];
    case "value":
      return asLiteral(source.value);
    case "host": {
      const value = hostValue(source.scope, source.slot, catalogue);
      return value === undefined ? undefined : asLiteral(value);
    }
    case "nothing":
      return undefined;
  }
}

/** A bare list would be read as a link. */
function asLiteral(value: JsonValue): JsonValue {
  return Array.isArray(value) ? { __value__: value } : value;
}
