import { blake3Hex } from "../kernel/blake3.ts";

/** A model file as a workflow names it: `filename` may lead through subfolders, with `/`. */
export interface ModelRef {
  /** A ComfyUI model folder, such as `checkpoints`. */
  readonly folder: string;
  readonly filename: string;
}

/** A model file, and where it comes from. */
export interface ModelFile extends ModelRef {
  /** 64 lower-case hex digits; null while nobody has hashed it. */
  readonly sha256: string | null;
  readonly bytes: number | null;
  /** URLs and paths to fetch it from, best first. */
  readonly sources: readonly string[];
}

/** Older names of folders, which workflows and downloads still use. */
const folderAliases: ReadonlyMap<string, string> = new Map([
  ["unet", "diffusion_models"],
  ["clip", "text_encoders"],
]);

/** The folder under its present name: `unet` is `diffusion_models`. */
export function modelFolder(name: string): string {
  return folderAliases.get(name) ?? name;
}

/** How a model is named inside a deployment, such as `checkpoints/sdxl.safetensors`. */
export function modelKey(ref: ModelRef): string {
  return `${ref.folder}/${ref.filename}`;
}

/** The id of a set of models by their keys, in any order and however often; "" for none. */
export function modelSetId(keys: Iterable<string>): string {
  const sorted = [...new Set(keys)].sort();
  return sorted.length === 0 ? "" : blake3Hex(JSON.stringify(sorted)).slice(0, 32);
}
