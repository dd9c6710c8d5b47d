import { isJsonObject, type JsonValue } from "../../kernel/json.ts";
import { coreLoaders, looksLikeModelFile } from "../loader-table.ts";
import { modelFolder } from "../model-ref.ts";
import type { UiNode } from "./document.ts";

/**
 * The model files of a loader whose widgets are not known, for files that do not name them: by the
 * folders that the node's own `models` say, else in the order in which the loader takes them.
 */
export function loaderValues(
  node: UiNode,
  known: Readonly<Record<string, JsonValue>>,
): Readonly<Record<string, string>> {
  const inputs = coreLoaders.get(node.type);
  if (inputs === undefined || !Array.isArray(node.widgetValues)) return {};
  const taken = new Set(Object.values(known));
  const files = (node.widgetValues as readonly JsonValue[]).filter(
    (value): value is string => typeof value === "string" && looksLikeModelFile(value),
  );
  const left = files.filter((file) => !taken.has(file));
  const folders = declaredFolders(node);
  const found: Record<string, string> = {};
  for (const [input, folder] of inputs) {
    if (Object.hasOwn(known, input)) continue;
    const isFor = (file: string): boolean => (folders.get(file) ?? folder) === folder;
    const at = left.findIndex(isFor);
    const [file] = at === -1 ? [] : left.splice(at, 1);
    if (file !== undefined) found[input] = file;
  }
  return found;
}

function declaredFolders(node: UiNode): ReadonlyMap<string, string> {
  const list = node.properties["models"];
  const folders = new Map<string, string>();
  for (const entry of Array.isArray(list) ? (list as readonly JsonValue[]) : []) {
    if (!isJsonObject(entry)) continue;
    const { name, directory } = entry;
    if (typeof name !== "string" || typeof directory !== "string") continue;
    folders.set(name, modelFolder(directory));
  }
  return folders;
}
