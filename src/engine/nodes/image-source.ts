import { levelTable, lookUp, mapFrames, solidFrame, takeChannel } from "../frames.ts";
import { findNamedFile } from "../files.ts";
import { NodeFault } from "../fault.ts";
import { emptyMask, readPicture, type Picture } from "../picture.ts";
import { checkSize, ImageBatch, MaskBatch } from "../values.ts";
import { int, listCombo, maxSide, output } from "./input-config.ts";
import type { NodeDefinition, RunContext } from "./node.ts";

const uploadCombo = listCombo([], { image_upload: true });

export const emptyImage: NodeDefinition = {
  name: "EmptyImage",
  displayName: "Empty Image",
  category: "image",
  pythonModule: "nodes",
  required: {
    width: int(512, 1, maxSide),
    height: int(512, 1, maxSide),
    batch_size: int(1, 1, 4096),
    color: int(0, 0, 0xffffff, { display: "color" }),
  },
  outputs: [output("IMAGE")],
  run(inputs) {
    const [width, height] = [inputs.integer("width"), inputs.integer("height")];
    const count = inputs.integer("batch_size");
    const colour = inputs.integer("color");
    checkSize(width, height, count, 3);
    const frame = solidFrame(width, height, [colour >> 16, (colour >> 8) & 255, colour & 255]);
    const frames = Array.from({ length: count }, () => frame);
    return { values: [new ImageBatch(width, height, 3, frames)] };
  },
};

export const loadImage: NodeDefinition = {
  name: "LoadImage",
  displayName: "Load Image",
  category: "image",
  pythonModule: "nodes",
  required: { image: uploadCombo },
  fileInputs: ["image"],
  outputs: [output("IMAGE"), output("MASK")],
  async run(inputs, context) {
    const picture = await openNamed(inputs.text("image"), context);
    return { values: [picture.image, await transparency(picture, context)] };
  },
};

export const loadImageMask: NodeDefinition = {
  name: "LoadImageMask",
  displayName: "Load Image (as Mask)",
  category: "image",
  pythonModule: "nodes",
  required: { image: uploadCombo, channel: listCombo(["alpha", "red", "green", "blue"]) },
  fileInputs: ["image"],
  outputs: [output("MASK")],
  async run(inputs, context) {
    const picture = await openNamed(inputs.text("image"), context);
    const channel = ["red", "green", "blue"].indexOf(inputs.text("channel"));
    if (channel < 0) return { values: [await transparency(picture, context)] };
    const { width, height, frames } = picture.image;
    const planes = await mapFrames(frames, (frame) =>
      takeChannel(frame, 3, channel, context.pause),
    );
    return { values: [new MaskBatch(width, height, planes)] };
  },
};

async function openNamed(name: string, context: RunContext): Promise<Picture> {
  const path = await findNamedFile(context.folders, name);
  if (path === undefined) {
    throw new NodeFault("FileNotFoundError", `[Errno 2] No such file or directory: '${name}'`);
  }
  return readPicture(path, context.pause);
}

/** What a loader gives as mask: transparent is masked; without alpha a small empty mask. */
async function transparency({ image, alpha }: Picture, { pause }: RunContext): Promise<MaskBatch> {
  if (alpha === undefined) return emptyMask(1);
  const inverted = levelTable((level) => 255 - level);
  const frames = await mapFrames(alpha, (plane) => lookUp(plane, inverted, pause));
  return new MaskBatch(image.width, image.height, frames);
}
