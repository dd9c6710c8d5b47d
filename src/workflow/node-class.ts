import { isJsonObject, type JsonObject, type JsonValue } from "../kernel/json.ts";

/** As `/object_info` writes it: `["INT", {default, min, max, step}]` or `[["a", "b"], {…}]`. */
export type InputConfig = readonly [
  type: string | readonly JsonValue[],
  options?: Readonly<Record<string, JsonValue>>,
];

export type InputTable = Readonly<Record<string, InputConfig>>;

export interface NodeOutput {
  readonly type: string;
  readonly name: string;
}

/** What is known of a node class: its inputs in order, its outputs, where it comes from. */
export interface NodeClass {
  readonly name: string;
  readonly displayName: string;
  readonly pythonModule: string;
  readonly required: InputTable;
  readonly optional: InputTable;
  readonly outputs: readonly NodeOutput[];
  readonly isOutput: boolean;
  /** Inputs that name a file of the input folder. */
  readonly fileInputs: readonly string[];
}

/** The node classes of one environment by name, as `/object_info` lists them. */
export type NodeCatalogue = ReadonlyMap<string, NodeClass>;

/** Options by which `/object_info` marks an input that names one of the caller's files. */
const uploadFlags = ["image_upload", "audio_upload", "video_upload", "file_upload"] as const;

/**
 * Reads the body of `/object_info`. Entries that are not node classes are left out: one broken
 * pack must not hide all others.
 */
export function parseNodeCatalogue(body: JsonValue): NodeCatalogue {
  const classes = new Map<string, NodeClass>();
  if (!isJsonObject(body)) return classes;
  for (const [name, value] of Object.entries(body)) {
    const parsed = isJsonObject(value) ? parseNodeClass(name, value) : undefined;
    if (parsed !== undefined) classes.set(name, parsed);
  }
  return classes;
}

function parseNodeClass(name: string, value: JsonObject): NodeClass | undefined {
  const { input, output, display_name: displayName, python_module: pythonModule } = value;
  if (!isJsonObject(input) || !Array.isArray(output)) return undefined;
  const order = isJsonObject(value["input_order"]) ? value["input_order"] : {};
  const required = inputTable(input["required"], order["required"]);
  const optional = inputTable(input["optional"], order["optional"]);
  const names = Array.isArray(value["output_name"]) ? value["output_name"] : [];
  const inputs = [...Object.entries(required), ...Object.entries(optional)];
  return {
    name,
    displayName: typeof displayName === "string" ? displayName : name,
    pythonModule: typeof pythonModule === "string" ? pythonModule : "",
    required,
    optional,
    outputs: (output as readonly JsonValue[]).map((type, index) => ({
      // A list of choices counts as a combo, whatever they are.
      type: typeof type === "string" ? type : "COMBO",
      name: textOr(names[index], typeof type === "string" ? type : "COMBO"),
    })),
    isOutput: value["output_node"] === true,
    fileInputs: inputs.filter(([, config]) => isUpload(config)).map(([input]) => input),
  };
}

/** Reads one section of inputs, in the order that `input_order` gives where it is there. */
export function inputTable(section: JsonValue | undefined, order?: JsonValue): InputTable {
  if (!isJsonObject(section)) return {};
  const listed = Array.isArray(order) ? order.filter((name) => typeof name === "string") : [];
  const table: Record<string, InputConfig> = {};
  for (const name of [...listed, ...Object.keys(section)]) {
    const config = Object.hasOwn(section, name) ? parseConfig(section[name]) : undefined;
    if (config !== undefined) table[name] ??= config;
  }
  return table;
}

function parseConfig(value: JsonValue | undefined): InputConfig | undefined {
  if (!Array.isArray(value)) return undefined;
  const [type, options] = value as readonly JsonValue[];
  if (typeof type !== "string" && !Array.isArray(type)) return undefined;
  return isJsonObject(options) ? [type, options] : [type];
}

function isUpload([, options]: InputConfig): boolean {
  return uploadFlags.some((flag) => options?.[flag] === true);
}

function textOr(value: JsonValue | undefined, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

/** Any input of a class, required or optional, by name. */
export function inputConfig(
  definition: { readonly required: InputTable; readonly optional?: InputTable },
  name: string,
): InputConfig | undefined {
  if (Object.hasOwn(definition.required, name)) return definition.required[name];
  const optional = definition.optional;
  return optional !== undefined && Object.hasOwn(optional, name) ? optional[name] : undefined;
}

/** The options of a combo in either spelling; `undefined` for any other input. */
export function comboChoices([type, options]: InputConfig): readonly JsonValue[] | undefined {
  if (typeof type !== "string") return type;
  if (type !== "COMBO") return undefined;
  const listed = options?.["options"];
  return Array.isArray(listed) ? (listed as readonly JsonValue[]) : [];
}

/** An option of a dynamic combo, and the inputs that choosing it brings. */
export interface DynamicOption {
  readonly key: JsonValue;
  readonly inputs: readonly InputTable[];
}

/** The options of a `COMFY_DYNAMICCOMBO_V3`; none for any other input. */
export function dynamicOptions([type, options]: InputConfig): readonly DynamicOption[] {
  const listed = type === "COMFY_DYNAMICCOMBO_V3" ? options?.["options"] : undefined;
  if (!Array.isArray(listed)) return [];
  return (listed as readonly JsonValue[]).filter(isJsonObject).map(({ key = null, inputs }) => ({
    key,
    inputs: isJsonObject(inputs)
      ? [inputTable(inputs["required"]), inputTable(inputs["optional"])]
      : [],
  }));
}
