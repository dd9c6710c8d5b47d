import { isJsonObject, type JsonValue } from "../kernel/json.ts";
import { isBigInteger } from "../kernel/lossless-json.ts";
import { fileInputsOf } from "./file-inputs.ts";
import { inputConfig, type NodeClass } from "./node-class.ts";

/** What a literal input is there for, as far as its name or the node's class tells. */
export type InputKind = "seed" | "text" | "file" | "size" | "setting";

const seedName = /(?:^|_)seed$/iu;
const sizeNames: ReadonlySet<string> = new Set([
  "width",
  "height",
  "batch_size",
  "length",
  "num_frames",
  "video_frames",
  "megapixels",
]);
const textNames: ReadonlySet<string> = new Set([
  "text",
  "text_g",
  "text_l",
  "prompt",
  "positive_prompt",
  "negative_prompt",
  "clip_l",
  "t5xxl",
  "tags",
  "lyrics",
  "filename_prefix",
]);
/** No file, sampler or option is called like this. */
const proseLength = 100;

/**
 * Tells seeds, prompts, the caller's files and picture sizes from the settings of a node. Without
 * the node's class it goes by well-known names.
 */
export function inputKind(
  classType: string,
  name: string,
  value: JsonValue,
  definition?: NodeClass,
): InputKind {
  if (typeof value === "number" || isBigInteger(value)) {
    if (seedName.test(name)) return "seed";
    return sizeNames.has(name) ? "size" : "setting";
  }
  if (isJsonObject(value)) return value["__type"] === "core/ASSET" ? "file" : "setting";
  if (typeof value !== "string") return "setting";
  if (fileInputsOf(classType, definition).includes(name)) return "file";
  const config = definition === undefined ? undefined : inputConfig(definition, name);
  if (config !== undefined) return config[0] === "STRING" ? "text" : "setting";
  return textNames.has(name) || value.length > proseLength ? "text" : "setting";
}
