import { isJsonObject, type JsonValue } from "../../kernel/json.ts";
import { isBigInteger } from "../../kernel/lossless-json.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { InputConfig } from "../node-class.ts";
import { plainText, pythonText, pythonType } from "./errors.ts";

/** Unwraps `{"__value__": …}`, the way in which a list travels as a literal. */
export function unwrap(value: JsonValue): JsonValue {
  return isJsonObject(value) && Object.hasOwn(value, "__value__")
    ? (value["__value__"] ?? null)
    : value;
}

/**
 * A literal as the input's type, by Python's conversions, which ComfyUI uses: "64" is an INT, 64.9
 * becomes 64, any text but "" is true. Other types pass as they are. The error is Python's message.
 */
export function coerce(type: InputConfig[0], value: JsonValue): Result<JsonValue, string> {
  switch (type) {
    case "INT":
      return toInt(value);
    case "FLOAT":
      return toFloat(value);
    case "STRING":
      return ok(plainText(value));
    case "BOOLEAN":
      return ok(isTruthy(value));
    default:
      return ok(value);
  }
}

function toInt(value: JsonValue): Result<number, string> {
  if (typeof value === "number") return ok(Math.trunc(value));
  if (typeof value === "boolean") return ok(Number(value));
  if (typeof value === "string") {
    return /^\s*[+-]?\d+(?:_\d+)*\s*$/u.test(value)
      ? ok(Number(value.replaceAll("_", "")))
      : err(`invalid literal for int() with base 10: ${pythonText(value)}`);
  }
  if (isBigInteger(value)) return ok(Number(JSON.stringify(value)));
  const wanted = "a string, a bytes-like object or a real number";
  return err(`int() argument must be ${wanted}, not '${pythonType(value)}'`);
}

function toFloat(value: JsonValue): Result<number, string> {
  if (typeof value === "number") return ok(value);
  if (typeof value === "boolean") return ok(Number(value));
  if (typeof value === "string") {
    return /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/iu.test(value)
      ? ok(Number(value))
      : err(`could not convert string to float: ${pythonText(value)}`);
  }
  return err(`float() argument must be a string or a real number, not '${pythonType(value)}'`);
}

function isTruthy(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isJsonObject(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}
