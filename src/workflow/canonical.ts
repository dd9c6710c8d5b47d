import { isJsonObject, type JsonValue } from "../kernel/json.ts";
import { isBigInteger } from "../kernel/lossless-json.ts";

/** What still has to be written: a value, or text that stands between values. */
type Piece = { readonly text: string } | { readonly value: JsonValue };

/**
 * A value as JSON with sorted keys, so that equal values give equal text. Without recursion:
 * values may be nested as deep as they like.
 */
export function canonicalText(root: JsonValue): string {
  const written: string[] = [];
  const pending: Piece[] = [{ value: root }];
  for (let piece = pending.pop(); piece !== undefined; piece = pending.pop()) {
    if ("text" in piece) written.push(piece.text);
    else expand(piece.value, pending, written);
  }
  return written.join("");
}

/** Writes a scalar, or puts the parts of a container onto the pile, last one first. */
function expand(value: JsonValue, pending: Piece[], written: string[]): void {
  if (Array.isArray(value)) {
    const items = value as readonly JsonValue[];
    pending.push({ text: "]" });
    for (let at = items.length - 1; at >= 0; at--) {
      pending.push({ value: items[at] ?? null }, { text: at === 0 ? "" : "," });
    }
    written.push("[");
  } else if (isJsonObject(value) && !isBigInteger(value)) {
    const keys = Object.keys(value).sort();
    pending.push({ text: "}" });
    for (let at = keys.length - 1; at >= 0; at--) {
      const key = keys[at] ?? "";
      const name = `${at === 0 ? "" : ","}${JSON.stringify(key)}:`;
      pending.push({ value: value[key] ?? null }, { text: name });
    }
    written.push("{");
  } else {
    written.push(JSON.stringify(value));
  }
}
