import { isJsonObject, parseJson, type JsonObject, type JsonValue } from "../../kernel/json.ts";
import { ByteReader, utf8 } from "./byte-reader.ts";
import { isMatroska, readMatroskaTags } from "./matroska.ts";
import { isMp4, readMp4Tags } from "./mp4.ts";
import { isJpeg, isWebp, readJpegTags, readWebpTags } from "./pictures.ts";
import { isPng, readPngTags } from "./png.ts";
import { maxTextBytes, type Inflate, type TextTag } from "./text-tag.ts";

/** What a file made by ComfyUI says of its making; both may be there. */
export interface EmbeddedWorkflows {
  /** The kind of file, such as `png`. */
  readonly container: string;
  /** In API format: what ran. */
  readonly prompt: JsonObject | null;
  /** As the editor saves it. */
  readonly workflow: JsonObject | null;
}

interface Container {
  readonly name: string;
  readonly is: (bytes: Uint8Array) => boolean;
  readonly read: (bytes: Uint8Array, inflate: Inflate) => readonly TextTag[];
}

const containers: readonly Container[] = [
  { name: "png", is: isPng, read: readPngTags },
  { name: "webp", is: isWebp, read: readWebpTags },
  { name: "jpeg", is: isJpeg, read: readJpegTags },
  { name: "mp4", is: isMp4, read: readMp4Tags },
  { name: "webm", is: isMatroska, read: readMatroskaTags },
  { name: "safetensors", is: isSafetensors, read: readSafetensorsTags },
];

const maxDepth = 64;

/**
 * The workflows inside of a picture, a video or a latent. Undefined: not a file of these kinds.
 * Never throws, whatever the bytes; costs time and memory in proportion to them.
 */
export function extractWorkflows(
  bytes: Uint8Array,
  inflate: Inflate,
): EmbeddedWorkflows | undefined {
  const container = containers.find(({ is }) => is(bytes));
  if (container === undefined) return undefined;
  const found: { prompt: JsonObject | null; workflow: JsonObject | null } = {
    prompt: null,
    workflow: null,
  };
  for (const tag of container.read(bytes, inflate)) {
    for (const [key, value] of workflowsOf(tag)) found[key] ??= value;
  }
  return { container: container.name, ...found };
}

type Found = readonly (readonly [key: "prompt" | "workflow", value: JsonObject])[];

/** Tags are named by their content, begin with it, or are one comment that holds both. */
function workflowsOf({ name, text }: TextTag): Found {
  const key = keyOf(name);
  if (key !== undefined) return entryOf(key, text);
  const colon = text.indexOf(":");
  const prefixed = colon > 0 && colon < 20 ? keyOf(text.slice(0, colon).trim()) : undefined;
  if (prefixed !== undefined) return entryOf(prefixed, text.slice(colon + 1));
  const comment = text.startsWith("{") ? readJson(text) : undefined;
  if (comment === undefined) return [];
  return (["prompt", "workflow"] as const).flatMap((each) => {
    const value = comment[each];
    return typeof value === "string"
      ? entryOf(each, value)
      : isJsonObject(value)
        ? [[each, value] as const]
        : [];
  });
}

function keyOf(name: string): "prompt" | "workflow" | undefined {
  const lower = name.toLowerCase();
  return lower === "prompt" || lower === "workflow" ? lower : undefined;
}

function entryOf(key: "prompt" | "workflow", text: string): Found {
  const value = readJson(text);
  return value === undefined ? [] : [[key, value]];
}

function readJson(text: string): JsonObject | undefined {
  const trimmed = text.trim();
  return objectOf(trimmed) ?? objectOf(withoutNaN(trimmed));
}

/** ComfyUI writes Python's NaN into pictures, which is not JSON. */
function withoutNaN(text: string): string {
  return text.replaceAll(/\bNaN\b/gu, "null");
}

function objectOf(text: string): JsonObject | undefined {
  const parsed = parseJson(text, { maxDepth });
  const value: JsonValue | undefined = parsed.ok ? parsed.value : undefined;
  return isJsonObject(value) ? value : undefined;
}

/** A latent is a safetensors file: the length of a JSON header, then the header. */
function isSafetensors(bytes: Uint8Array): boolean {
  const length = new ByteReader(bytes).u64(0, true);
  return length !== undefined && length < maxTextBytes && bytes[8] === 0x7b;
}

function readSafetensorsTags(bytes: Uint8Array): readonly TextTag[] {
  const reader = new ByteReader(bytes);
  const header = reader.slice(8, reader.u64(0, true) ?? 0);
  const value = header === undefined ? undefined : readJson(utf8(header));
  const metadata = value?.["__metadata__"];
  if (!isJsonObject(metadata)) return [];
  return Object.entries(metadata).flatMap(([name, text]) =>
    typeof text === "string" ? [{ name, text }] : [],
  );
}
