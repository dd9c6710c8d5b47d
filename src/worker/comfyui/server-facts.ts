import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";
import type { Device, NodeSummary, ReadyRequest } from "../../protocol/worker-link.ts";

/** What a ready server says of itself. */
export type ServerFacts = ReadyRequest;

const uploadFlags = ["image_upload", "video_upload", "audio_upload", "file_upload", "upload"];
const maxFileInputs = 64;
const maxInputNameLength = 200;
const maxClassNameLength = 300;
const maxDevices = 64;

/** Joins the replies of `/system_stats` and `/object_info`. */
export function serverFacts(systemStats: unknown, objectInfo: unknown): ServerFacts {
  const system = isJsonObject(systemStats) ? systemStats["system"] : undefined;
  const version = isJsonObject(system) ? system["comfyui_version"] : undefined;
  const comfyuiVersion = typeof version === "string" && version !== "" ? version : "unknown";
  return {
    comfyuiVersion: comfyuiVersion.slice(0, 80),
    kind: comfyuiVersion === "hearth-engine" ? "engine" : "comfyui",
    devices: devicesOf(systemStats),
    nodes: nodeSummaries(objectInfo),
  };
}

/** Without its cache ComfyUI computes everything anew with each prompt. */
export function keepsResults(systemStats: unknown): boolean {
  const system = isJsonObject(systemStats) ? systemStats["system"] : undefined;
  const argv = isJsonObject(system) ? system["argv"] : undefined;
  return !Array.isArray(argv) || !(argv as readonly JsonValue[]).includes("--cache-none");
}

export function devicesOf(systemStats: unknown): Device[] {
  const devices = isJsonObject(systemStats) ? systemStats["devices"] : undefined;
  if (!Array.isArray(devices)) return [];
  return (devices as readonly JsonValue[])
    .filter(isJsonObject)
    .slice(0, maxDevices)
    .map((device) => ({
      name: textOf(device["name"]).slice(0, 200),
      kind: textOf(device["type"]).slice(0, 40),
      vramTotalBytes: bytesOf(device["vram_total"]),
      vramFreeBytes: bytesOf(device["vram_free"]),
    }));
}

/** Which classes are outputs and which of their inputs name uploaded files, by class name. */
function nodeSummaries(objectInfo: unknown): Record<string, NodeSummary> {
  const summaries: Record<string, NodeSummary> = {};
  if (!isJsonObject(objectInfo)) return summaries;
  for (const [name, node] of Object.entries(objectInfo)) {
    if (!isJsonObject(node) || name.length > maxClassNameLength || name === "__proto__") continue;
    summaries[name] = { isOutput: node["output_node"] === true, fileInputs: fileInputs(node) };
  }
  return summaries;
}

function fileInputs(node: JsonObject): string[] {
  const groups = isJsonObject(node["input"]) ? node["input"] : {};
  return ["required", "optional"]
    .flatMap((group) => Object.entries(isJsonObject(groups[group]) ? groups[group] : {}))
    .filter(([name, spec]) => name.length <= maxInputNameLength && isUpload(spec))
    .map(([name]) => name)
    .slice(0, maxFileInputs);
}

function isUpload(spec: JsonValue): boolean {
  const options = Array.isArray(spec) ? (spec as readonly JsonValue[])[1] : undefined;
  return isJsonObject(options) && uploadFlags.some((flag) => options[flag] === true);
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function bytesOf(value: JsonValue | undefined): number {
  return typeof value === "number" && value > 0 && Number.isFinite(value) ? Math.floor(value) : 0;
}
