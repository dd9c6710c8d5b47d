import type { JsonValue } from "../../kernel/json.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { comboChoices, dynamicOptions, type InputConfig } from "../node-class.ts";
import { coerce, unwrap } from "./coerce.ts";
import {
  configJson,
  plainText,
  promptError,
  pythonList,
  pythonText,
  type PromptError,
} from "./errors.ts";

/** Longer option lists are not sent back in errors. */
const maxListedOptions = 20;

/**
 * Checks a literal against its input: type, bounds, options. Gives the value as the node gets it.
 * `free` inputs are checked by the node itself (their options come from folders).
 */
export function checkLiteral(
  name: string,
  config: InputConfig,
  given: JsonValue,
  free: boolean,
): Result<JsonValue, PromptError> {
  const [type, options = {}] = config;
  const unwrapped = unwrap(given);
  const coerced = coerce(type, unwrapped);
  const info = { input_name: name, input_config: configJson(config) };
  if (!coerced.ok) {
    const extra = { ...info, received_value: unwrapped, exception_message: coerced.error };
    const message = `Failed to convert an input value to a ${typeof type === "string" ? type : "COMBO"} value`;
    const details = `${name}, ${plainText(unwrapped)}, ${coerced.error}`;
    return err(promptError("invalid_input_type", message, details, extra));
  }
  const { value } = coerced;
  if (free) return ok(value);
  const extra = { ...info, received_value: value };
  const { min, max } = options;
  if (typeof value === "number" && typeof min === "number" && value < min) {
    const message = `Value ${value} smaller than min of ${min}`;
    return err(promptError("value_smaller_than_min", message, name, extra));
  }
  if (typeof value === "number" && typeof max === "number" && value > max) {
    const message = `Value ${value} bigger than max of ${max}`;
    return err(promptError("value_bigger_than_max", message, name, extra));
  }
  const choices = choicesOf(config);
  if (choices === undefined || choices.some((choice) => choice === value)) return ok(value);
  return err(notInList(name, config, value, choices));
}

function notInList(
  name: string,
  config: InputConfig,
  value: JsonValue,
  choices: readonly JsonValue[],
): PromptError {
  const long = choices.length > maxListedOptions;
  const list = long ? `(list of length ${choices.length})` : pythonList(choices);
  const details = `${name}: ${pythonText(value)} not in ${list}`;
  return promptError("value_not_in_list", "Value not in list", details, {
    input_name: name,
    input_config: long ? null : configJson(config),
    received_value: value,
  });
}

/** What may be chosen; `undefined` for an input that is no choice. */
function choicesOf(config: InputConfig): readonly JsonValue[] | undefined {
  const options = dynamicOptions(config);
  return options.length === 0 ? comboChoices(config) : options.map(({ key }) => key);
}

/** Whether an output of `received` may feed an input of `wanted`; lists are separated by commas. */
export function typesMatch(received: string, wanted: InputConfig[0]): boolean {
  if (typeof wanted !== "string") return received === "COMBO" || received === "*";
  if (received === wanted || received === "*" || wanted === "*") return true;
  const accepted = new Set(wanted.split(",").map((type) => type.trim()));
  return accepted.has("*") || received.split(",").some((type) => accepted.has(type.trim()));
}
