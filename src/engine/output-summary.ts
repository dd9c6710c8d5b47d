import { isJsonObject, type JsonObject, type JsonValue } from "../kernel/json.ts";

export interface OutputSummary {
  readonly count: number;
  readonly previewableCount: number;
  /** The output that stands for the job in a list. */
  readonly preview: JsonObject | undefined;
}

const previewableKinds = new Set(["images", "video", "audio", "3d", "text"]);
const previewableEndings = /\.(?:obj|fbx|gltf|glb|usdz|txt|md|json)$/iu;
const textEndings = /\.(?:txt|md|json)$/iu;
const maxTextCharacters = 1024;

/**
 * Counts a job's outputs and picks the one to show: saved media, then other media, then a text
 * file, then a text. Texts are shown but not counted.
 */
export function summarizeOutputs(outputs: Readonly<Record<string, JsonObject>>): OutputSummary {
  let count = 0;
  let previewableCount = 0;
  let best: { rank: number; preview: JsonObject } | undefined;
  for (const { nodeId, kind, item } of eachItem(outputs)) {
    const labels = { nodeId, mediaType: kind };
    if (isJsonObject(item)) {
      count++;
      if (!isPreviewable(kind, item)) continue;
      previewableCount++;
      const rank = fileRank(item);
      if (best === undefined || rank < best.rank) best = { rank, preview: { ...item, ...labels } };
    } else if (typeof item === "string" && kind === "text" && best === undefined) {
      best = { rank: 3, preview: { content: item.slice(0, maxTextCharacters), ...labels } };
    }
  }
  return { count, previewableCount, preview: best?.preview };
}

function* eachItem(
  outputs: Readonly<Record<string, JsonObject>>,
): Generator<{ nodeId: string; kind: string; item: JsonValue }> {
  for (const [nodeId, kinds] of Object.entries(outputs)) {
    for (const [kind, items] of Object.entries(kinds)) {
      // "animated" is a flag beside "images", not an output.
      if (kind === "animated" || !Array.isArray(items)) continue;
      for (const item of items as readonly JsonValue[]) yield { nodeId, kind, item };
    }
  }
}

function filename(item: JsonObject): string {
  const name = item["filename"];
  return typeof name === "string" ? name : "";
}

function isPreviewable(kind: string, item: JsonObject): boolean {
  return previewableKinds.has(kind) || previewableEndings.test(filename(item));
}

function fileRank(item: JsonObject): number {
  if (textEndings.test(filename(item))) return 2;
  return item["type"] === "output" ? 0 : 1;
}
