import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";

/** One field that is not as it is to be; undefined: it is absent. */
export interface FieldChange {
  /** Such as `template.containers[worker].image`. */
  readonly path: string;
  readonly found: JsonValue | undefined;
  readonly wanted: JsonValue | undefined;
}

/**
 * Where what is found differs from what is set. Fields that nobody set are the platform's defaults
 * and no difference, but for those under a path of `closed`. Items of lists are told apart by their
 * name or key where they have one.
 */
export function fieldChanges(
  wanted: JsonObject,
  found: JsonObject,
  closed: readonly string[] = [],
): readonly FieldChange[] {
  return objectChanges(wanted, found, "", new Set(closed));
}

type Closed = ReadonlySet<string>;

function objectChanges(
  wanted: JsonObject,
  found: JsonObject,
  path: string,
  closed: Closed,
): readonly FieldChange[] {
  const changes = Object.keys(wanted).flatMap((key) =>
    valueChanges(wanted[key], found[key], joined(path, key), closed),
  );
  if (!closed.has(path)) return changes;
  const added = Object.keys(found).filter((key) => wanted[key] === undefined);
  return [
    ...changes,
    ...added.map((key) => ({
      path: joined(path, key),
      found: found[key],
      wanted: undefined,
    })),
  ];
}

function valueChanges(
  wanted: JsonValue | undefined,
  found: JsonValue | undefined,
  path: string,
  closed: Closed,
): readonly FieldChange[] {
  if (wanted === undefined) return [];
  if (isJsonObject(wanted) && isJsonObject(found)) {
    return objectChanges(wanted, found, path, closed);
  }
  if (isList(wanted) && isList(found)) return listChanges(wanted, found, path, closed);
  // Platforms leave out what is empty.
  const isEmpty = isList(wanted) ? wanted.length === 0 : isJsonObject(wanted) && isBare(wanted);
  if (wanted === found || (found === undefined && isEmpty)) return [];
  return [{ path, found, wanted }];
}

function listChanges(
  wanted: readonly JsonValue[],
  found: readonly JsonValue[],
  path: string,
  closed: Closed,
): readonly FieldChange[] {
  const [byKey, foundByKey] = [keyed(wanted), keyed(found)];
  if (byKey === undefined || foundByKey === undefined) {
    const isSimple = [...wanted, ...found].every((item) => typeof item !== "object");
    if (isSimple || wanted.length !== found.length) {
      const isSame = JSON.stringify(wanted) === JSON.stringify(found);
      return isSame ? [] : [{ path, found, wanted }];
    }
    return wanted.flatMap((item, index) =>
      valueChanges(item, found[index], `${path}[${index}]`, closed),
    );
  }
  const missing = [...byKey].flatMap(([key, item]) =>
    valueChanges(item, foundByKey.get(key), `${path}[${key}]`, closed),
  );
  const added = [...foundByKey].filter(([key]) => !byKey.has(key));
  return [
    ...missing,
    ...added.map(([key, item]) => ({ path: `${path}[${key}]`, found: item, wanted: undefined })),
  ];
}

/** What is found with what is set over it; items of lists that nobody set are gone. */
export function overlaid(found: JsonObject, wanted: JsonObject): JsonObject {
  const set = Object.entries(wanted).map(([key, value]) => [key, over(found[key], value)] as const);
  return { ...found, ...Object.fromEntries(set) };
}

function over(found: JsonValue | undefined, wanted: JsonValue): JsonValue {
  if (isJsonObject(found) && isJsonObject(wanted)) return overlaid(found, wanted);
  if (!isList(found) || !isList(wanted)) return wanted;
  const [byKey, foundByKey] = [keyed(wanted), keyed(found)];
  if (byKey === undefined || foundByKey === undefined) return wanted;
  return [...byKey].map(([key, item]) => over(foundByKey.get(key), item));
}

const keyNames = ["name", "key"] as const;

/** Items by their name or key, where each has one of its own. */
function keyed(items: readonly JsonValue[]): ReadonlyMap<string, JsonValue> | undefined {
  for (const keyName of keyNames) {
    const pairs = items.flatMap((item) => {
      const key = isJsonObject(item) ? item[keyName] : undefined;
      return typeof key === "string" ? [[key, item] as const] : [];
    });
    const byKey = new Map(pairs);
    if (byKey.size === items.length) return byKey;
  }
  return undefined;
}

function joined(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isBare(value: JsonObject): boolean {
  return Object.keys(value).length === 0;
}
