import { HearthError } from "../../kernel/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";
import { err, ok, type Result } from "../../kernel/result.ts";

/** An input or output of a node as the editor saves it. */
export interface UiSlot {
  readonly name: string;
  readonly type: string;
  /** The link that ends in this input; null for none. */
  readonly link: string | null;
  /** The widget that this input may replace; null for a bare socket. */
  readonly widget: string | null;
}

export interface UiNode {
  readonly id: string;
  /** A class, or the id of a subgraph. */
  readonly type: string;
  readonly title: string | null;
  readonly mode: UiMode;
  readonly inputs: readonly UiSlot[];
  readonly outputs: readonly UiSlot[];
  /** Values of the widgets in the order of the widgets, or by name. */
  readonly widgetValues: readonly JsonValue[] | JsonObject;
  readonly properties: JsonObject;
}

/** A muted node is left out; a bypassed one lets its inputs through. */
export type UiMode = "active" | "muted" | "bypassed";

/** From an output to an input; ids are text, whatever the file has. */
export interface UiLink {
  readonly origin: string;
  readonly originSlot: number;
  readonly target: string;
  readonly targetSlot: number;
}

export interface UiGraph {
  readonly nodes: ReadonlyMap<string, UiNode>;
  readonly links: ReadonlyMap<string, UiLink>;
}

export interface UiSubgraph extends UiGraph {
  readonly id: string;
  readonly name: string;
  readonly inputs: readonly UiSlot[];
  readonly outputs: readonly UiSlot[];
  /** By input: the first input inside that hangs on it and has a widget. */
  readonly innerWidgets: ReadonlyMap<number, InnerWidget>;
  /** By output: the link inside that leads to it. */
  readonly outputLinks: ReadonlyMap<number, UiLink>;
}

export interface InnerWidget {
  readonly node: UiNode;
  readonly name: string;
}

/** A workflow as ComfyUI's editor saves it: format 0.4 or 1, with its subgraphs. */
export interface UiDocument {
  readonly root: UiGraph;
  readonly subgraphs: ReadonlyMap<string, UiSubgraph>;
  /** Everything else at the top, such as `models` and `extra`. */
  readonly rest: JsonObject;
}

/** Inside a subgraph, links from here come from its own inputs. */
export const subgraphInputs = "-10";
/** Inside a subgraph, links to here lead to its own outputs. */
const subgraphOutputs = "-20";

const mutedMode = 2;
const bypassedMode = 4;

/** Whether a document was saved by the editor rather than exported for the API. */
export function isUiFormat(value: JsonObject): boolean {
  return (
    Array.isArray(value["nodes"]) &&
    (Array.isArray(value["links"]) || "last_node_id" in value || "state" in value)
  );
}

/**
 * Reads a workflow as the editor saves it. Errors: `invalid_workflow` naming the field, also for
 * more than `maxNodes` nodes over all graphs together.
 */
export function parseUiDocument(
  value: JsonValue | undefined,
  limits: { readonly maxNodes: number },
): Result<UiDocument, HearthError> {
  if (!isJsonObject(value) || !isUiFormat(value))
    return err(invalid("workflow", "is not in the editor's format"));
  const reader = new Reader(limits.maxNodes);
  const root = reader.graph(value, "workflow");
  const subgraphs = new Map<string, UiSubgraph>();
  for (const [at, definition] of definitionsOf(value).entries()) {
    const field = `definitions.subgraphs.${at}`;
    if (!isJsonObject(definition) || typeof definition["id"] !== "string") {
      reader.add(field, "must be an object with an id");
      continue;
    }
    const id = definition["id"];
    if (subgraphs.has(id)) reader.add(field, "has the id of another subgraph");
    const graph = reader.graph(definition, field);
    subgraphs.set(id, {
      ...graph,
      ...borderOf(graph),
      id,
      name: textOf(definition["name"], id),
      inputs: slotsOf(definition["inputs"]),
      outputs: slotsOf(definition["outputs"]),
    });
  }
  if (reader.fault !== undefined) return err(reader.fault);
  return ok({ root, subgraphs, rest: value });
}

function definitionsOf(value: JsonObject): readonly JsonValue[] {
  const definitions = value["definitions"];
  return listOf(isJsonObject(definitions) ? definitions["subgraphs"] : undefined);
}

/** How the inside of a subgraph hangs on its inputs and outputs. */
function borderOf({ nodes, links }: UiGraph): Pick<UiSubgraph, "innerWidgets" | "outputLinks"> {
  const innerWidgets = new Map<number, InnerWidget>();
  const outputLinks = new Map<number, UiLink>();
  for (const link of links.values()) {
    if (link.target === subgraphOutputs) outputLinks.set(link.targetSlot, link);
    if (link.origin !== subgraphInputs || innerWidgets.has(link.originSlot)) continue;
    const node = nodes.get(link.target);
    const name = node?.inputs[link.targetSlot]?.widget ?? null;
    if (node !== undefined && name !== null) innerWidgets.set(link.originSlot, { node, name });
  }
  return { innerWidgets, outputLinks };
}

/** Reads graphs and keeps the first fault. */
class Reader {
  fault: HearthError | undefined;
  private count = 0;
  private readonly maxNodes: number;

  constructor(maxNodes: number) {
    this.maxNodes = maxNodes;
  }

  add(field: string, reason: string): void {
    this.fault ??= invalid(field, reason);
  }

  graph(value: JsonObject, field: string): UiGraph {
    const nodes = new Map<string, UiNode>();
    const listed = listOf(value["nodes"]);
    this.count += listed.length;
    if (this.count > this.maxNodes) {
      this.add(field, `has more than ${this.maxNodes} nodes`);
      return { nodes, links: new Map() };
    }
    for (const [at, raw] of listed.entries()) {
      const node = isJsonObject(raw) ? nodeOf(raw) : undefined;
      if (node === undefined) this.add(`${field}.nodes.${at}`, "must have an id and a type");
      else if (nodes.has(node.id)) this.add(`${field}.nodes.${at}`, "has the id of another node");
      else nodes.set(node.id, node);
    }
    const links = new Map<string, UiLink>();
    for (const [at, raw] of listOf(value["links"]).entries()) {
      const link = linkOf(raw);
      // The editor leaves holes where links were deleted.
      if (raw === null) continue;
      if (link === undefined) this.add(`${field}.links.${at}`, "is not a link");
      else links.set(link[0], link[1]);
    }
    return { nodes, links };
  }
}

function nodeOf(value: JsonObject): UiNode | undefined {
  const id = idOf(value["id"]);
  const { type, title, mode, properties } = value;
  if (id === undefined || typeof type !== "string") return undefined;
  const widgets = value["widgets_values"];
  return {
    id,
    type,
    title: typeof title === "string" ? title : null,
    mode: mode === mutedMode ? "muted" : mode === bypassedMode ? "bypassed" : "active",
    inputs: slotsOf(value["inputs"]),
    outputs: slotsOf(value["outputs"]),
    widgetValues: isJsonObject(widgets) ? widgets : listOf(widgets),
    properties: isJsonObject(properties) ? properties : {},
  };
}

/** `[id, origin, slot, target, slot, type]` in format 0.4, an object in format 1 and in subgraphs. */
function linkOf(value: JsonValue): readonly [id: string, link: UiLink] | undefined {
  const parts = isJsonObject(value)
    ? [
        value["id"],
        value["origin_id"],
        value["origin_slot"],
        value["target_id"],
        value["target_slot"],
      ]
    : listOf(value);
  const [id, origin, target] = [idOf(parts[0]), idOf(parts[1]), idOf(parts[3])];
  const [originSlot, targetSlot] = [parts[2], parts[4]];
  if (id === undefined || origin === undefined || target === undefined) return undefined;
  if (typeof originSlot !== "number" || typeof targetSlot !== "number") return undefined;
  return [id, { origin, originSlot, target, targetSlot }];
}

function slotsOf(value: JsonValue | undefined): readonly UiSlot[] {
  return listOf(value).map((slot) => {
    if (!isJsonObject(slot)) return { name: "", type: "*", link: null, widget: null };
    const { widget } = slot;
    return {
      name: textOf(slot["name"], ""),
      type: textOf(slot["type"], "*"),
      link: idOf(slot["link"]) ?? null,
      widget: isJsonObject(widget) ? textOf(widget["name"], "") : null,
    };
  });
}

function idOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "number" || typeof value === "string" ? String(value) : undefined;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: JsonValue | undefined, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

function invalid(field: string, reason: string): HearthError {
  const message = `The workflow is not as the editor saves it: ${field} ${reason}.`;
  return new HearthError("invalid_workflow", { message, details: { field, reason } });
}
