import { isJsonObject, type JsonValue } from "../kernel/json.ts";

/** Which repositories bring a node class, as an index of all known packs says. */
export interface PackIndex {
  /** Several where several packs have a class of the name. */
  readonly repositoriesOf: (classType: string) => readonly string[];
  readonly classCount: number;
}

interface NamePattern {
  readonly repository: string;
  readonly matches: (classType: string) => boolean;
}

/** ComfyUI's own entry. */
export const comfyuiRepository = "https://github.com/comfyanonymous/ComfyUI";
/** Anchors and plain text only: the index is somebody else's, and its patterns may be made to hang. */
const plainPattern = /^(\^?)([^\\^$.*+?()[\]{}|]+)(\$?)$/u;

/**
 * Reads ComfyUI-Manager's `extension-node-map.json`: repository to `[[classes], {nodename_pattern}]`.
 * Undefined where the document is not of this shape.
 */
export function parsePackIndex(value: JsonValue): PackIndex | undefined {
  if (!isJsonObject(value)) return undefined;
  const exact = new Map<string, string[]>();
  const patterns: NamePattern[] = [];
  for (const [url, entry] of Object.entries(value)) {
    if (!Array.isArray(entry)) return undefined;
    const [classes, more] = entry as readonly JsonValue[];
    const repository = url.replace(/\.git$|\/+$/u, "");
    for (const name of Array.isArray(classes) ? (classes as readonly JsonValue[]) : []) {
      if (typeof name !== "string") continue;
      const known = exact.get(name);
      if (known === undefined) exact.set(name, [repository]);
      else if (!known.includes(repository)) known.push(repository);
    }
    const pattern = isJsonObject(more) ? more["nodename_pattern"] : undefined;
    const matches = typeof pattern === "string" ? plainMatcher(pattern) : undefined;
    if (matches !== undefined) patterns.push({ repository, matches });
  }
  return { classCount: exact.size, repositoriesOf: (name) => lookUp(name, exact, patterns) };
}

function lookUp(
  classType: string,
  exact: ReadonlyMap<string, readonly string[]>,
  patterns: readonly NamePattern[],
): readonly string[] {
  const listed = exact.get(classType);
  if (listed === undefined) {
    return patterns.filter(({ matches }) => matches(classType)).map(({ repository }) => repository);
  }
  // A pack that copies a class of ComfyUI does not make the class its own.
  return listed.includes(comfyuiRepository) ? [comfyuiRepository] : listed;
}

function plainMatcher(pattern: string): ((name: string) => boolean) | undefined {
  const parts = plainPattern.exec(pattern);
  if (parts === null) return undefined;
  const [, start = "", text = "", end = ""] = parts;
  if (start !== "" && end !== "") return (name) => name === text;
  if (start !== "") return (name) => name.startsWith(text);
  return end === "" ? (name) => name.includes(text) : (name) => name.endsWith(text);
}
