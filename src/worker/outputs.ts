import { isJsonObject, type JsonObject, type JsonValue } from "../kernel/json.ts";

/** Where an output's bytes are. */
export type OutputSource =
  | {
      readonly kind: "file";
      readonly filename: string;
      readonly subfolder: string;
      readonly folder: "output" | "temp";
    }
  | { readonly kind: "text"; readonly text: string };

export interface PlannedOutput {
  readonly nodeId: string;
  readonly name: string;
  readonly source: OutputSource;
}

const maxNameLength = 500;

/**
 * The outputs that a history entry names, in its order: every file under whatever key a node chose,
 * and text. Temporary files (previews) count only where nothing was saved; inputs never do.
 */
export function planOutputs(outputs: JsonObject): readonly PlannedOutput[] {
  const planned: PlannedOutput[] = [];
  const seen = new Set<string>();
  for (const [nodeId, node] of Object.entries(outputs)) {
    if (!isJsonObject(node)) continue;
    let texts = 0;
    for (const [key, list] of Object.entries(node)) {
      for (const entry of Array.isArray(list) ? (list as readonly JsonValue[]) : []) {
        if (typeof entry === "string" && key === "text") {
          const name = `${nodeId.replaceAll(/[^\w.-]+/gu, "-")}-${++texts}.txt`;
          planned.push({ nodeId, name, source: { kind: "text", text: entry } });
          continue;
        }
        const file = fileOf(nodeId, entry);
        const identity = file && JSON.stringify([nodeId, file.source]);
        if (file === undefined || identity === undefined || seen.has(identity)) continue;
        seen.add(identity);
        planned.push(file);
      }
    }
  }
  const hasSaved = planned.some(
    ({ source }) => source.kind === "file" && source.folder === "output",
  );
  return planned.filter(
    ({ source }) => source.kind === "text" || source.folder === "output" || !hasSaved,
  );
}

function fileOf(nodeId: string, entry: JsonValue): PlannedOutput | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { filename, subfolder = "", type: folder = "output" } = entry;
  if (typeof filename !== "string" || filename === "" || typeof subfolder !== "string") {
    return undefined;
  }
  if (folder !== "output" && folder !== "temp") return undefined;
  const name = filename.slice(Math.max(filename.lastIndexOf("/"), filename.lastIndexOf("\\")) + 1);
  if (name === "") return undefined;
  const source = { kind: "file", filename, subfolder, folder } as const;
  return { nodeId, name: name.slice(-maxNameLength), source };
}
