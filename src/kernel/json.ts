import { HearthError } from "./errors.ts";
import { parseLosslessJson } from "./lossless-json.ts";
import { scanJson, type JsonLimits } from "./json-scan.ts";
import { err, ok, type Result } from "./result.ts";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type JsonObject = { readonly [key: string]: JsonValue };

/** Whether a parsed value is a JSON object, not null and not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text that a value is; empty for anything else. */
export function textIn(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/**
 * Reads untrusted JSON. Refuses nesting beyond the limit, repeated keys, and keys that reach an
 * object's prototype, before any value is built. Errors: `invalid_json`, `json_too_deep`.
 */
export function parseJson(text: string, limits: JsonLimits): Result<JsonValue, HearthError> {
  const fault = scanJson(text, limits);
  if (fault !== undefined) {
    const { reason, position } = fault;
    const code = reason === "too_deep" ? "json_too_deep" : "invalid_json";
    const details = {
      reason,
      position,
      ...(code === "json_too_deep" && { limit: limits.maxDepth }),
    };
    return err(
      new HearthError(code, { message: `${fault.message} (at position ${position})`, details }),
    );
  }
  try {
    return ok(parseLosslessJson(text));
  } catch (cause) {
    const details = { reason: "syntax" };
    return err(new HearthError("invalid_json", { details, cause }));
  }
}
