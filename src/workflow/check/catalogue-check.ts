import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";
import { nameSuggester } from "../nearest-name.ts";
import {
  dynamicOptions,
  inputTable,
  type InputConfig,
  type InputTable,
  type NodeCatalogue,
  type NodeClass,
} from "../node-class.ts";
import type { NodeErrors, PromptError } from "./errors.ts";
import { parseGraph, type GraphNode } from "./prompt-graph.ts";
import { validatePrompt } from "./validate-prompt.ts";
import type { CheckedClass } from "./walk.ts";

/** What ComfyUI would answer: nothing wrong, or its error and what is wrong node by node. */
export interface CheckResult {
  /** Null where something can run. */
  readonly error: PromptError | null;
  /** Also filled where other outputs can run, which ComfyUI then does without a word. */
  readonly nodeErrors: Readonly<Record<string, NodeErrors>>;
}

const maxNesting = 8;
const maxGrown = 200;

/**
 * Holds a workflow in API format against a node catalogue, as ComfyUI does before it queues it:
 * missing classes (with the nearest name), links of wrong types, values out of range or not in
 * their list, cycles, no outputs. Without recursion.
 */
export function checkAgainstCatalogue(api: JsonObject, catalogue: NodeCatalogue): CheckResult {
  const graph = parseGraph(api);
  if (!graph.ok) throw new TypeError(`the workflow must have been parsed: ${graph.error}`);
  const suggest = nameSuggester([...catalogue.keys()]);
  const result = validatePrompt({
    graph: graph.value,
    classOf: (node) => {
      const definition = catalogue.get(node.className ?? "");
      return definition === undefined ? undefined : checkedClass(definition, node);
    },
    hintFor: (className) => {
      const nearest = suggest(className);
      return nearest === undefined ? undefined : `Did you mean ${nearest}?`;
    },
    existingFiles: null,
    targets: undefined,
  });
  return result.ok
    ? { error: null, nodeErrors: result.value.nodeErrors }
    : { error: result.error.error, nodeErrors: result.error.nodeErrors };
}

/** The class as it is for one node: dynamic inputs become those that the node's values call for. */
function checkedClass(definition: NodeClass, node: GraphNode): CheckedClass {
  const required: Record<string, InputConfig> = {};
  const optional: Record<string, InputConfig> = {};
  const pending = [
    { path: "", table: definition.required, isRequired: true, depth: 0 },
    { path: "", table: definition.optional, isRequired: false, depth: 0 },
  ];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, table, isRequired, depth } = next;
    for (const [name, config] of Object.entries(table)) {
      const input = path + name;
      const [type, options] = config;
      if (type === "COMFY_AUTOGROW_V3") {
        const grown = grownInputs(input, options?.["template"], node);
        Object.assign(required, grown.required);
        Object.assign(optional, grown.optional);
        continue;
      }
      // The choices of this class are its other inputs, and it judges them itself.
      const isFree = definition.name === "CustomCombo" && input === "choice";
      (isRequired ? required : optional)[input] = isFree ? ["STRING"] : matchTypeAsAny(config);
      const value = node.inputs?.get(input);
      const chosen = dynamicOptions(config).find(({ key }) => key === value);
      if (depth === maxNesting) continue;
      for (const [at, part] of (chosen?.inputs ?? []).entries()) {
        const isPartRequired = isRequired && at === 0;
        pending.push({
          path: `${input}.`,
          table: part,
          isRequired: isPartRequired,
          depth: depth + 1,
        });
      }
    }
  }
  const outputs = definition.outputs.map(({ type }) => ({ type: anyType(type) }));
  return { ...definition, required, optional, outputs };
}

/** An input that grows by one more as each is linked: the first `min` of them are required. */
function grownInputs(
  input: string,
  template: JsonValue | undefined,
  node: GraphNode,
): { readonly required: InputTable; readonly optional: InputTable } {
  if (!isJsonObject(template) || !isJsonObject(template["input"]))
    return { required: {}, optional: {} };
  const tables = [
    inputTable(template["input"]["required"]),
    inputTable(template["input"]["optional"]),
  ];
  const [config] = tables.flatMap((table) => Object.values(table));
  if (config === undefined) return { required: {}, optional: {} };
  const { names, prefix, min } = template;
  const listed = Array.isArray(names) ? (names as readonly JsonValue[]) : [];
  const nameOf = (at: number): string =>
    typeof prefix === "string" ? `${prefix}${at}` : textOr(listed[at], String(at));
  const least = typeof min === "number" ? min : 0;
  const required: Record<string, InputConfig> = {};
  const optional: Record<string, InputConfig> = {};
  for (let at = 0; at < maxGrown; at++) {
    const name = `${input}.${nameOf(at)}`;
    if (at < least) required[name] = matchTypeAsAny(config);
    else if (node.inputs?.has(name) === true) optional[name] = matchTypeAsAny(config);
  }
  return { required, optional };
}

function textOr(value: JsonValue | undefined, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

/** An input whose type follows another's takes anything here. */
function matchTypeAsAny(config: InputConfig): InputConfig {
  const [type, options] = config;
  const any = typeof type === "string" ? anyType(type) : type;
  return options === undefined ? [any] : [any, options];
}

function anyType(type: string): string {
  return type === "COMFY_MATCHTYPE_V3" ? "*" : type;
}
