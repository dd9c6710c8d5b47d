import { randomInt } from "node:crypto";
import type { FileReference } from "../files.ts";
import { encodePng } from "../picture.ts";
import { withText, type PngText } from "../png-chunks.ts";
import { FileSaver } from "../save-file.ts";
import type { ImageBatch } from "../values.ts";
import { link, output, text } from "./input-config.ts";
import { saveHidden, type NodeDefinition, type RunContext } from "./node.ts";

/** What a picture tells about its making: the prompt, and each entry of `extra_pnginfo`. */
export function provenance(context: RunContext): PngText {
  const entries: [string, string][] = [["prompt", JSON.stringify(context.prompt)]];
  for (const [key, value] of Object.entries(context.extraPngInfo ?? {})) {
    entries.push([key, JSON.stringify(value)]);
  }
  return entries;
}

/** File references as the history's JSON. */
export function references(files: readonly FileReference[]): { [key: string]: string }[] {
  return files.map(({ filename, subfolder, type }) => ({ filename, subfolder, type }));
}

async function saveAll(
  images: ImageBatch,
  target: { readonly type: "output" | "temp"; readonly prefix: string; readonly level: number },
  context: RunContext,
): Promise<FileReference[]> {
  const { width, height } = images;
  const saver = await FileSaver.open({
    folders: context.folders,
    type: target.type,
    prefix: target.prefix,
    width,
    height,
    nowMs: context.nowMs(),
  });
  const entries = provenance(context);
  const files: FileReference[] = [];
  for (const [index, frame] of images.frames.entries()) {
    const png = await encodePng(frame, images, target.level);
    files.push(await saver.save(withText(png, entries), "_.png", index));
    await context.pause();
  }
  return files;
}

export const saveImage: NodeDefinition = {
  name: "SaveImage",
  displayName: "Save Image",
  category: "image",
  description: "Saves the input images to your ComfyUI output directory.",
  pythonModule: "nodes",
  required: {
    images: link("IMAGE"),
    filename_prefix: text("ComfyUI", { tooltip: "The prefix for the file to save." }),
  },
  hidden: saveHidden,
  outputs: [output("IMAGE", "images")],
  isOutput: true,
  async run(inputs, context) {
    const images = inputs.image("images");
    const target = { type: "output", prefix: inputs.text("filename_prefix"), level: 4 } as const;
    return { values: [images], ui: { images: references(await saveAll(images, target, context)) } };
  },
};

export const previewImage: NodeDefinition = {
  name: "PreviewImage",
  displayName: "Preview Image",
  category: "image",
  description: "Preview the images without saving them to the ComfyUI output directory.",
  pythonModule: "nodes",
  required: { images: link("IMAGE") },
  hidden: saveHidden,
  outputs: [output("IMAGE", "images")],
  isOutput: true,
  async run(inputs, context) {
    const images = inputs.image("images");
    const target = { type: "temp", prefix: `ComfyUI_temp_${randomLetters(5)}`, level: 1 } as const;
    return { values: [images], ui: { images: references(await saveAll(images, target, context)) } };
  },
};

/** Keeps previews of different runs apart. */
function randomLetters(count: number): string {
  const letters = "abcdefghijklmnopqrstuvwxyz";
  return Array.from({ length: count }, () => letters.charAt(randomInt(letters.length))).join("");
}
