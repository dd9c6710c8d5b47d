import sharp from "sharp";
import { joinAnimation } from "../animated-png.ts";
import { encodePng } from "../picture.ts";
import { withText } from "../png-chunks.ts";
import { FileSaver } from "../save-file.ts";
import type { ImageBatch } from "../values.ts";
import { boolean, combo, float, int, link, output, text } from "./input-config.ts";
import type { NodeInputs } from "./inputs.ts";
import { saveHidden, type NodeDefinition, type NodeResult, type RunContext } from "./node.ts";
import { provenance, references } from "./save-image.ts";

const extras = "comfy_extras.nodes_images";
const efforts: Readonly<Record<string, number>> = { default: 4, fastest: 0, slowest: 6 };

export const saveAnimatedWebp: NodeDefinition = {
  name: "SaveAnimatedWEBP",
  displayName: "Save Animated WEBP",
  category: "image",
  pythonModule: extras,
  required: {
    images: link("IMAGE"),
    filename_prefix: text("ComfyUI"),
    fps: float(6, 0.01, 1000, 0.01),
    lossless: boolean(true),
    quality: int(80, 0, 100),
    method: combo(Object.keys(efforts)),
  },
  hidden: saveHidden,
  outputs: [output("IMAGE", "images")],
  isOutput: true,
  async run(inputs, context) {
    const images = inputs.image("images");
    const webp = await encodeWebp(images, inputs, context);
    return saveAnimation(images, webp, "_.webp", inputs, context);
  },
};

export const saveAnimatedPng: NodeDefinition = {
  name: "SaveAnimatedPNG",
  displayName: "Save Animated PNG",
  category: "image",
  pythonModule: extras,
  required: {
    images: link("IMAGE"),
    filename_prefix: text("ComfyUI"),
    fps: float(6, 0.01, 1000, 0.01),
    compress_level: int(4, 0, 9, { advanced: true }),
  },
  hidden: saveHidden,
  outputs: [output("IMAGE", "images")],
  isOutput: true,
  async run(inputs, context) {
    const images = inputs.image("images");
    const frames: Buffer[] = [];
    for (const frame of images.frames) {
      frames.push(await encodePng(frame, images, inputs.integer("compress_level")));
      await context.pause();
    }
    const png = withText(joinAnimation(frames, frameMs(inputs)), provenance(context));
    return saveAnimation(images, png, "_.png", inputs, context);
  },
};

function frameMs(inputs: NodeInputs): number {
  return Math.max(1, Math.trunc(1000 / inputs.number("fps")));
}

function encodeWebp(
  { width, height, channels, frames }: ImageBatch,
  inputs: NodeInputs,
  context: RunContext,
): Promise<Buffer> {
  const raw = { width, height: height * frames.length, channels, pageHeight: height };
  const [, ...extra] = provenance(context);
  const workflow = extra.find(([key]) => key === "workflow");
  return sharp(Buffer.concat(frames), { raw, limitInputPixels: false })
    .webp({
      loop: 0,
      delay: frames.map(() => frameMs(inputs)),
      lossless: inputs.flag("lossless"),
      quality: Math.max(1, inputs.integer("quality")),
      effort: efforts[inputs.text("method")] ?? 4,
    })
    .withExif({
      // The tags in which ComfyUI looks for them when an image is dropped onto its page.
      IFD0: {
        Model: `prompt:${JSON.stringify(context.prompt)}`,
        ...(workflow !== undefined && { Make: `workflow:${workflow[1]}` }),
      },
    })
    .toBuffer();
}

async function saveAnimation(
  images: ImageBatch,
  data: Buffer,
  ending: string,
  inputs: NodeInputs,
  context: RunContext,
): Promise<NodeResult> {
  const saver = await FileSaver.open({
    folders: context.folders,
    type: "output",
    prefix: inputs.text("filename_prefix"),
    width: images.width,
    height: images.height,
    nowMs: context.nowMs(),
  });
  const file = await saver.save(data, ending);
  return { values: [images], ui: { images: references([file]), animated: [true] } };
}
