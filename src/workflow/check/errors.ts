import type { JsonObject, JsonValue } from "../../kernel/json.ts";
import type { InputConfig } from "../node-class.ts";

/** One thing wrong with a prompt or node, in ComfyUI's shape. */
export interface PromptError {
  readonly type: string;
  readonly message: string;
  readonly details: string;
  readonly extra_info: JsonObject;
}

export interface NodeErrors {
  readonly errors: readonly PromptError[];
  readonly dependent_outputs: readonly string[];
  readonly class_type: string;
}

export function promptError(
  type: string,
  message: string,
  details: string,
  extraInfo: JsonObject = {},
): PromptError {
  return { type, message, details, extra_info: extraInfo };
}

export const noPrompt = promptError("no_prompt", "No prompt provided", "No prompt provided");

export const invalidPromptId = promptError(
  "invalid_prompt_id",
  "prompt_id must be a valid UUID",
  "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one",
);

export const noOutputs = promptError("prompt_no_outputs", "Prompt has no outputs", "");

export function missingInput(name: string): PromptError {
  const message = "Required input is missing";
  return promptError("required_input_missing", message, name, { input_name: name });
}

export function badLink(name: string, config: InputConfig, received: JsonValue): PromptError {
  const message = "Bad linked input, must be a length-2 list of [node_id, slot_index]";
  return promptError("bad_linked_input", message, name, {
    input_name: name,
    input_config: configJson(config),
    received_value: received,
  });
}

export function typeMismatch(
  name: string,
  config: InputConfig,
  receivedType: string,
  link: JsonValue,
): PromptError {
  const wanted = typeof config[0] === "string" ? config[0] : pythonList(config[0]);
  return promptError(
    "return_type_mismatch",
    "Return type mismatch between linked nodes",
    `${name}, received_type(${receivedType}) mismatch input_type(${wanted})`,
    {
      input_name: name,
      input_config: configJson(config),
      received_type: receivedType,
      linked_node: link,
    },
  );
}

export function customFailure(name: string, details: string): PromptError {
  const message = "Custom validation failed for node";
  return promptError("custom_validation_failed", message, details, { input_name: name });
}

export function cycle(nodeId: string, ids: readonly string[], path: string): PromptError {
  return promptError("dependency_cycle", "Dependency cycle detected", path, {
    node_id: nodeId,
    cycle_nodes: ids,
  });
}

/** A failure that ComfyUI reports as an exception, such as a link to a node that does not exist. */
export interface Fault {
  readonly exceptionType: string;
  readonly message: string;
}

export function outputFault({ exceptionType, message }: Fault): PromptError {
  return promptError("exception_during_validation", "Exception when validating node", message, {
    exception_type: exceptionType,
    traceback: [],
  });
}

export function innerFault(
  { exceptionType, message }: Fault,
  name: string,
  config: InputConfig,
  link: JsonValue,
): PromptError {
  return promptError(
    "exception_during_inner_validation",
    "Exception when validating inner node",
    message,
    {
      input_name: name,
      input_config: configJson(config),
      exception_message: message,
      exception_type: exceptionType,
      traceback: [],
      linked_node: link,
    },
  );
}

export function configJson([type, options = {}]: InputConfig): JsonValue {
  return [type, options];
}

/** A list as Python prints it: ['a', 'b']. */
export function pythonList(items: readonly JsonValue[]): string {
  return `[${items.map(pythonText).join(", ")}]`;
}

/** A value as Python's `repr` prints it, for the plain values that prompts hold. */
export function pythonText(value: JsonValue): string {
  if (typeof value === "string") return value.includes("'") ? JSON.stringify(value) : `'${value}'`;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value);
}

/** A value as Python's `str` prints it. */
export function plainText(value: JsonValue): string {
  return typeof value === "string" ? value : pythonText(value);
}

/** The name of a value's type in Python. */
export function pythonType(value: JsonValue): string {
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return "dict";
}
