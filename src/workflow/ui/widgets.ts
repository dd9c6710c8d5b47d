import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";
import {
  dynamicOptions,
  type InputConfig,
  type InputTable,
  type NodeClass,
} from "../node-class.ts";
import type { UiNode } from "./document.ts";
import { loaderValues } from "./loader-values.ts";

/** Types that the editor draws as a widget rather than a socket. */
const widgetTypes: ReadonlySet<string> = new Set([
  "INT",
  "FLOAT",
  "STRING",
  "BOOLEAN",
  "COMBO",
  "COMFY_DYNAMICCOMBO_V3",
  "COLOR",
  "COLORS",
  "CURVE",
  "RANGE",
  "BOUNDING_BOX",
  "BOUNDING_BOXES",
  "IMAGECOMPARE",
  "LOAD_3D",
  "LOAD_3D_ANIMATION",
  "PREVIEW_3D",
  "AUDIO_UI",
  "AUDIO_RECORD",
  "AUDIOUPLOAD",
  "IMAGEUPLOAD",
  "FILEUPLOAD",
  "WEBCAM",
  "MARKDOWN",
  "TEXTAREA",
]);
/** What the widget beside a seed says to do after a run. */
const afterRun: ReadonlySet<JsonValue> = new Set([
  "fixed",
  "increment",
  "decrement",
  "randomize",
  "increment-wrap",
]);
const seedNames: ReadonlySet<string> = new Set(["seed", "noise_seed"]);
const maxNesting = 16;
const maxOptions = 1000;
/** What an input without a default holds at first. */
const emptyValues: Readonly<Record<string, JsonValue>> = {
  INT: 0,
  FLOAT: 0,
  STRING: "",
  BOOLEAN: false,
  COLORS: [],
  IMAGECOMPARE: ["", ""],
  LOAD_3D: "",
};

/**
 * The values of a node's widgets by input name. With the class they are counted off in its order;
 * without it, by the names that the file itself gives to its inputs.
 */
export function widgetValues(
  node: UiNode,
  definition: NodeClass | undefined,
): Readonly<Record<string, JsonValue>> {
  const given = node.widgetValues;
  if (isNamed(given)) return given;
  const values: Record<string, JsonValue> = {};
  const queue = new ValueQueue(given);
  if (definition === undefined) takeByFile(node, queue, values);
  else {
    takeTable(definition.required, "", queue, values, 0);
    takeTable(definition.optional, "", queue, values, 0);
    if (definition.name === "CustomCombo") takeCustomCombo(queue, values);
  }
  return values;
}

/** The editor adds widgets to this class: which option is chosen, then the options. */
function takeCustomCombo(queue: ValueQueue, values: Record<string, JsonValue>): void {
  let name = "index";
  for (let at = 1; at <= maxOptions; at++) {
    const value = queue.take();
    if (value === undefined) return;
    values[name] = value;
    name = `option${at}`;
  }
}

function isNamed(given: UiNode["widgetValues"]): given is JsonObject {
  return !Array.isArray(given);
}

class ValueQueue {
  private at = 0;
  private readonly values: readonly JsonValue[];

  constructor(values: readonly JsonValue[]) {
    this.values = values;
  }

  take(): JsonValue | undefined {
    return this.values[this.at++];
  }

  /** Drops the next value if it is one of these. */
  skip(known: ReadonlySet<JsonValue>): void {
    const next = this.values[this.at];
    if (next !== undefined && known.has(next)) this.at++;
  }
}

function takeTable(
  table: InputTable,
  prefix: string,
  queue: ValueQueue,
  values: Record<string, JsonValue>,
  depth: number,
): void {
  for (const [name, config] of Object.entries(table)) {
    if (!isWidget(config)) continue;
    const path = `${prefix}${name}`;
    const saved = queue.take();
    const value = config[0] === "IMAGECOMPARE" ? defaultOf(config) : (saved ?? defaultOf(config));
    if (value !== undefined) values[path] = value;
    if (hasControl(name, config)) queue.skip(afterRun);
    if (depth === maxNesting) continue;
    const chosen = dynamicOptions(config).find(({ key }) => key === value);
    for (const part of chosen?.inputs ?? []) {
      takeTable(part, `${path}.`, queue, values, depth + 1);
    }
  }
}

function isWidget([type, options]: InputConfig): boolean {
  if (options?.["forceInput"] === true) return false;
  if (typeof type !== "string") return true;
  // Only widgets say whether they also have a socket.
  const saysSo = options?.["socketless"] !== undefined || options?.["widgetType"] !== undefined;
  return saysSo || widgetTypes.has(type);
}

function hasControl(name: string, [type, options]: InputConfig): boolean {
  if (options?.["control_after_generate"] !== undefined) {
    return options["control_after_generate"] !== false;
  }
  return type === "INT" && seedNames.has(name);
}

function defaultOf([type, options]: InputConfig): JsonValue | undefined {
  const given = options?.["default"];
  if (given !== undefined) return given;
  const choices = typeof type === "string" ? options?.["options"] : type;
  const [first] = Array.isArray(choices) ? (choices as readonly JsonValue[]) : [];
  if (first !== undefined) return isJsonObject(first) ? first["key"] : first;
  return typeof type === "string" ? emptyValues[type] : undefined;
}

/** Newer editors list every input that may be a widget, with or without a link. */
function takeByFile(node: UiNode, queue: ValueQueue, values: Record<string, JsonValue>): void {
  for (const { widget } of node.inputs) {
    if (widget === null) continue;
    const value = queue.take();
    if (value !== undefined) values[widget] = value;
    if (seedNames.has(widget)) queue.skip(afterRun);
  }
  Object.assign(values, loaderValues(node, values));
}
