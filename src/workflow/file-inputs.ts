import type { NodeClass } from "./node-class.ts";

/** Inputs that name an uploaded file, for the time before any worker has told its own. */
const wellKnown: ReadonlyMap<string, readonly string[]> = new Map([
  ["LoadImage", ["image"]],
  ["LoadImageMask", ["image"]],
  ["LoadImageOutput", ["image"]],
  ["LoadAudio", ["audio"]],
  ["LoadVideo", ["file"]],
  ["LoadLatent", ["latent"]],
]);

/** The inputs of a class that name a file of the caller; by well-known names without its definition. */
export function fileInputsOf(
  classType: string,
  definition: Pick<NodeClass, "fileInputs"> | undefined,
): readonly string[] {
  return definition?.fileInputs ?? wellKnown.get(classType) ?? [];
}
