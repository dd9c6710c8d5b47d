import type { JsonObject, JsonValue } from "../kernel/json.ts";
import { configJson } from "../workflow/check/errors.ts";
import type { InputConfig, InputTable } from "../workflow/node-class.ts";
import type { NodeDefinition } from "./nodes/node.ts";

/** A node class as `/object_info` describes it; loaders of files list `inputFiles`. */
export function describeNode(
  definition: NodeDefinition,
  inputFiles: readonly string[],
): JsonObject {
  const { required, optional, hidden, outputs } = definition;
  const listed = (name: string, config: InputConfig): JsonValue =>
    definition.fileInputs?.includes(name) === true
      ? [inputFiles, config[1] ?? {}]
      : configJson(config);
  const table = (inputs: InputTable): JsonObject =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, config]): [string, JsonValue] => [
        name,
        listed(name, config),
      ]),
    );
  return {
    input: {
      required: table(required),
      ...(optional !== undefined && { optional: table(optional) }),
      ...(hidden !== undefined && { hidden }),
    },
    input_order: {
      required: Object.keys(required),
      ...(optional !== undefined && { optional: Object.keys(optional) }),
      ...(hidden !== undefined && { hidden: Object.keys(hidden) }),
    },
    is_input_list: false,
    output: outputs.map(({ type }) => type),
    output_is_list: outputs.map(() => false),
    output_name: outputs.map(({ name }) => name),
    output_tooltips: outputs.map(() => null),
    name: definition.name,
    display_name: definition.displayName,
    description: definition.description ?? "",
    python_module: definition.pythonModule,
    category: definition.category,
    output_node: definition.isOutput === true,
    has_intermediate_output: false,
    deprecated: definition.deprecated === true,
    experimental: false,
    search_aliases: [],
  };
}
