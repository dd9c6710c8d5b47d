import type { JsonValue } from "../kernel/json.ts";
import { coreLoaders, type LoaderTable } from "./loader-table.ts";
import { comboChoices, dynamicOptions, type InputTable, type NodeCatalogue } from "./node-class.ts";

const prefix = "hearth-sentinel.";
const suffix = ".safetensors";
const maxNesting = 8;

/**
 * The name of an empty file that is put into a model folder before `/object_info` is read: whatever
 * input offers it then takes its files from that folder, in any pack.
 */
export function sentinelName(folder: string): string {
  return `${prefix}${folder}${suffix}`;
}

/** The folder that a sentinel stands for; undefined for any other file. */
function folderOf(name: JsonValue): string | undefined {
  if (typeof name !== "string") return undefined;
  // Loaders may show the file inside of a subfolder.
  const file = name.slice(name.lastIndexOf("/") + 1);
  const isSentinel = file.startsWith(prefix) && file.endsWith(suffix);
  return isSentinel ? file.slice(prefix.length, -suffix.length) : undefined;
}

/**
 * ComfyUI's own loaders and all others that a catalogue with sentinels gives away. An input that
 * offers several folders keeps ComfyUI's own answer, or the first one.
 */
export function loadersOf(catalogue: NodeCatalogue | null): LoaderTable {
  const table = new Map([...coreLoaders].map(([name, inputs]) => [name, new Map(inputs)]));
  for (const { name, required, optional } of catalogue?.values() ?? []) {
    for (const [input, folder] of [...foldersOf(required), ...foldersOf(optional)]) {
      const inputs = table.get(name) ?? new Map<string, string>();
      if (!inputs.has(input)) inputs.set(input, folder);
      table.set(name, inputs);
    }
  }
  return table;
}

/** Inputs and their folders, those of the options of a dynamic combo under `input.option`. */
function foldersOf(root: InputTable): readonly (readonly [input: string, folder: string])[] {
  const found: (readonly [string, string])[] = [];
  const pending = [{ path: "", table: root, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, table, depth } = next;
    for (const [name, config] of Object.entries(table)) {
      const input = path + name;
      const folder = comboChoices(config)
        ?.map(folderOf)
        .find((each) => each !== undefined);
      if (folder !== undefined) found.push([input, folder]);
      if (depth === maxNesting) continue;
      for (const { inputs } of dynamicOptions(config)) {
        for (const part of inputs)
          pending.push({ path: `${input}.`, table: part, depth: depth + 1 });
      }
    }
  }
  return found;
}
