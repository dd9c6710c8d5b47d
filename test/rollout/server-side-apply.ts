import { isJsonObject, type JsonObject, type JsonValue } from "../../src/kernel/json.ts";

/**
 * Server-side apply of one manager: what it sets is set, what it set before and sets no more is
 * gone, what others set stays; items of lists are told apart by name.
 */
export function applied(
  live: JsonObject,
  before: JsonObject | undefined,
  next: JsonObject,
): JsonObject {
  const kept = Object.entries(live).filter(
    ([key]) => next[key] !== undefined || before?.[key] === undefined,
  );
  const set = Object.entries(next).map(([key, value]) => {
    return [key, merged(live[key], before?.[key], value)] as const;
  });
  return Object.fromEntries([...kept, ...set]);
}

function merged(
  live: JsonValue | undefined,
  before: JsonValue | undefined,
  next: JsonValue,
): JsonValue {
  if (isJsonObject(live) && isJsonObject(next)) {
    return applied(live, isJsonObject(before) ? before : undefined, next);
  }
  const [lives, nexts, befores] = [named(live), named(next), named(before)];
  if (lives === undefined || nexts === undefined) return next;
  const foreign = [...lives].filter(([name]) => !nexts.has(name) && befores?.has(name) !== true);
  return [
    ...[...nexts].map(([name, item]) => merged(lives.get(name), befores?.get(name), item)),
    ...foreign.map(([, item]) => item),
  ];
}

function named(value: JsonValue | undefined): ReadonlyMap<string, JsonObject> | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = value as readonly JsonValue[];
  const pairs = items.flatMap((item) =>
    isJsonObject(item) && typeof item["name"] === "string" ? [[item["name"], item] as const] : [],
  );
  return pairs.length === items.length ? new Map(pairs) : undefined;
}
