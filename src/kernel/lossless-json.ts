import type { JsonValue } from "./json.ts";

/** What `JSON.stringify` writes back digit by digit: an integer that no double can hold. */
interface RawJson {
  rawJSON(text: string): JsonValue;
  isRawJSON(value: unknown): boolean;
  parse(
    text: string,
    reviver: (key: string, value: JsonValue, context: { readonly source?: string }) => JsonValue,
  ): JsonValue;
}

const mayHoldBigInteger = /\d{16}/u;
const bigInteger = /^-?\d{16,}$/u;

/**
 * `JSON.parse`, but integers beyond 2^53 keep their digits through `JSON.stringify`: seeds go up to
 * 2^64 - 1, and one that is off by a little makes another picture. Throws on bad JSON.
 */
export function parseLosslessJson(text: string): JsonValue {
  if (!mayHoldBigInteger.test(text)) return JSON.parse(text) as JsonValue;
  const json = JSON as unknown as RawJson;
  return json.parse(text, (_key, value, { source = "" }) =>
    typeof value === "number" && bigInteger.test(source) && String(value) !== source
      ? json.rawJSON(source)
      : value,
  );
}

/** Whether a parsed value is an integer that no double can hold, and so is kept as its digits. */
export function isBigInteger(value: unknown): boolean {
  return (JSON as unknown as RawJson).isRawJSON(value);
}
